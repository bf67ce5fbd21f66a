/**
 * GET or MGET, the server's history where it is asked for, and PTTL for each key, as one unit that nothing splits: what is needed to
 * keep the values. It is written as one, and answered reply by reply.
 */
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply, ReplyEncoding } from "../../../schema/Command.ts"
import { eraIn } from "../../../schema/era.ts"
import { isValueReply } from "../../../schema/frame.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { TrackedReply, Tracking } from "../../../schema/Invalidation.ts"
import { rowOf } from "../../commands/commandTable.ts"
import { PendingCommand } from "../PendingCommand.ts"
import { type RawReply, ReplyError } from "../RawReply.ts"
import { fits } from "../replyFit.ts"
import type { TurnWriter } from "../TurnWriter.ts"
import type { Wire } from "../Wire.ts"

const oneRow = rowOf("GET", [])
const manyRow = rowOf("MGET", [])
const lifetimeShape = rowOf("PTTL", []).reply
const historyShape = rowOf("INFO", []).reply
/** No replica knows what the primary has announced. */
const routing = { primary: true }

// What comes before the length of the key.
const get = "*2\r\n$3\r\nGET\r\n$"
const pttl = "*2\r\n$4\r\nPTTL\r\n$"
/** Has the server tell of the keys that the next command reads, where it does that key by key. */
const caching = "*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n"
const history = "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n"
/** Before each command for a slot that is being moved to its server. */
const asking = "*1\r\n$6\r\nASKING\r\n"

export interface TrackedTerms {
  readonly era: boolean
  /** Whether the replies are to be kept: without that they need no lifetimes. */
  readonly keep: boolean
  readonly reply: ReplyEncoding
  readonly tracking: Tracking
  /** MGET also for one key, so that what is no value is null. */
  readonly many: boolean
  /** Milliseconds. */
  readonly timeout: number
  /** The instant before it is sent. */
  readonly sentAt: number
}

/** Told once, either the replies or why there are none. */
export type OnTracked = (replies: ReadonlyArray<TrackedReply> | undefined, error: CommandError | undefined) => void

export class TrackedRead extends PendingCommand {
  readonly #keys: ReadonlyArray<string>
  readonly #asksEra: boolean
  readonly #keep: boolean
  readonly #sentAt: number
  #isPerKey: boolean
  /** The connection that it is written to. */
  #wire: Wire | undefined
  #isAsking = false
  /** Its replies are not announced: it went on to another server than the first, or its connection is not tracked. */
  #isUntold = false
  /** Replies that have come. */
  #came = 0
  #values: RawReply = null
  #history: RawReply = null
  #lifetime: RawReply = null
  /** Of all keys, where there are several. */
  #lifetimes: Array<RawReply> | undefined
  /** What went wrong with one of its commands went wrong with all. */
  #failure: Error | undefined
  #onTracked: OnTracked | undefined

  /** At least one key. */
  constructor(
    keys: ReadonlyArray<string>,
    { era, keep, many, reply, sentAt, timeout, tracking }: TrackedTerms,
    onTracked: OnTracked
  ) {
    const isMany = many || keys.length > 1
    super(isMany ? manyRow : oneRow, isMany ? "MGET" : "GET", keys, { asText: reply === "utf8", timeout, routing })
    this.#keys = keys
    this.#asksEra = era
    this.#keep = keep
    this.#sentAt = sentAt
    this.#isPerKey = tracking === "perKey"
    this.#onTracked = onTracked
  }

  override wrote(wire: Wire): void {
    super.wrote(wire)
    this.#wire = wire
  }

  override writeTo(writer: TurnWriter): void {
    const keys = this.#keys
    const commands = 1 + (this.#asksEra ? 1 : 0) + (this.#keep ? keys.length : 0)
    this.ahead = (this.#isPerKey ? commands + 1 : this.#isAsking ? 2 * commands : commands) - 1
    const ask = this.#isAsking ? asking : ""
    const before = this.#isPerKey ? caching : ask
    const between = this.#asksEra ? ask + history : ""
    const lifetime = ask + pttl
    if (this.row === oneRow) {
      const key = keys[0]!
      const bytes = Buffer.byteLength(key)
      const arg = `${bytes}\r\n${key}\r\n`
      const text = before + get + arg + between + (this.#keep ? lifetime + arg : "")
      return writer.text(text, bytes === key.length)
    }
    let isAscii = true
    // Adding up many parts would make a tree that is flattened later.
    const values: Array<string> = []
    const lifetimes: Array<string> = []
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const bytes = Buffer.byteLength(key)
      if (bytes !== key.length) isAscii = false
      const arg = `${bytes}\r\n${key}\r\n`
      values.push("$", arg)
      if (this.#keep) lifetimes.push(lifetime, arg)
    }
    const head = `${before}*${keys.length + 1}\r\n$4\r\nMGET\r\n`
    writer.text(head + values.join("") + between + lifetimes.join(""), isAscii)
  }

  override fits(reply: RawReply): boolean {
    const part = this.#part
    if (part < 0) return true
    return fits(part === 0 ? this.row.reply : this.#isHistory(part) ? historyShape : lifetimeShape, reply)
  }

  override take(reply: RawReply): void {
    const part = this.#part
    this.#came++
    // Whoever may not ask for the history has none.
    if (this.#isHistory(part)) this.#history = reply
    else if (reply instanceof ReplyError) {
      if (part >= 0) this.#failure ??= reply
      // A connection that is not tracked refuses CACHING; ASKING is never refused.
      else this.#isUntold = true
    } else if (part === 0) this.#values = reply
    else if (part > 0) {
      if (this.row === oneRow) this.#lifetime = reply
      else (this.#lifetimes ??= []).push(reply)
    }
  }

  override lack(error: Error): void {
    this.#came++
    this.#failure ??= error
  }

  /** The last reply. */
  override answer(raw: RawReply): void {
    this.take(raw)
    if (this.#failure === undefined) super.answer(this.#values)
    else this.lose(this.#failure)
  }

  override asks(): boolean {
    this.#isAsking = true
    return true
  }

  override rewound(refusal: CommandError): void {
    super.rewound(refusal)
    this.#isUntold = true
    this.#isAsking = false
    // Its place is behind ASKING, where a server loses it silently.
    this.#isPerKey = false
    this.#came = 0
    this.#failure = undefined
    this.#forget()
  }

  protected onReply(values: Reply): void {
    const replies = this.#repliesOf(values)
    this.#tell(replies, replies === undefined ? protocolError(this.name, this.node) : undefined)
  }

  protected onError(error: CommandError): void {
    this.#tell(undefined, error)
  }

  /** Which of its commands the next reply is for: 0 = the one that reads the values, below = none of them. */
  get #part(): number {
    if (this.#isPerKey) return this.#came - 1
    if (!this.#isAsking) return this.#came
    return this.#came % 2 === 0 ? -1 : this.#came >> 1
  }

  #isHistory(part: number): boolean {
    return part === 1 && this.#asksEra
  }

  #tell(replies: ReadonlyArray<TrackedReply> | undefined, error: CommandError | undefined): void {
    const onTracked = this.#onTracked
    this.#onTracked = undefined
    this.#wire = undefined
    this.#forget()
    onTracked?.(replies, error)
  }

  // The garbage collector keeps some settled commands for long, and what they hold with them.
  #forget(): void {
    this.#values = null
    this.#history = null
    this.#lifetime = null
    this.#lifetimes = undefined
  }

  /** Undefined where one of them is none that its command can have. */
  #repliesOf(values: Reply): ReadonlyArray<TrackedReply> | undefined {
    const isOne = this.row === oneRow
    const list = isOne ? [values] : values
    const count = this.#keys.length
    if (!Array.isArray(list) || list.length !== count) return undefined
    const sentAt = this.#sentAt
    const server = this.#keep && !this.#isUntold ? this.node : undefined
    const place = this.#wire?.order.next()
    const era = this.#asksEra ? eraIn(textOf(this.#history)) : undefined
    const replies: Array<TrackedReply> = []
    for (let i = 0; i < count; i++) {
      const value: Reply = list[i]
      const pttl = !this.#keep ? -1 : isOne ? this.#lifetime : this.#lifetimes?.[i]
      if (typeof pttl !== "number" || !isValueReply(value)) return undefined
      replies.push({ value, pttl, sentAt, server, place, era })
    }
    return replies
  }
}

const textOf = (reply: RawReply): RawReply => (Buffer.isBuffer(reply) ? reply.toString() : reply)
