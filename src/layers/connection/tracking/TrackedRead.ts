/** GET or MGET, the server's history where it is asked for, and PTTL for each key, as one unit that nothing splits: what is needed to keep the values. */
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Reply, ReplyEncoding } from "../../../schema/Command.ts"
import { eraIn } from "../../../schema/era.ts"
import { protocolError } from "../../../schema/failures.ts"
import { isValueReply } from "../../../schema/frame.ts"
import type { TrackedReply, Tracking } from "../../../schema/Invalidation.ts"
import { rowOf } from "../../commands/commandTable.ts"
import { PendingCommand, readReply } from "../PendingCommand.ts"
import { type RawReply, ReplyError } from "../RawReply.ts"
import { WireCommand } from "../WireCommand.ts"

const ttlRow = rowOf("PTTL", [])
const manyRow = rowOf("MGET", [])

export interface TrackedTerms {
  readonly reply: ReplyEncoding
  readonly tracking: Tracking
  /** MGET also for one key, so that what is no value is null. */
  readonly many: boolean
  /** Whether the server says its history, after it has said the values: what has these values and that history has no older ones. */
  readonly era: boolean
  /** Whether the lifetime of each key is asked for. */
  readonly keep: boolean
  /** Milliseconds. */
  readonly timeout: number
  /** The instant before it is sent. */
  readonly sentAt: number
}

export type OnTracked = (outcome: ReadonlyArray<TrackedReply> | CommandError) => void

/** The last PTTL; what comes before it is its prelude. */
export class TrackedRead extends PendingCommand {
  readonly #sentAt: number
  readonly #keep: boolean
  /** Has the server tell of the keys that the next command reads, where it does that key by key. */
  readonly #caching: Asked | undefined
  readonly #values: Asked
  readonly #history: Asked | undefined
  readonly #lifetimes: ReadonlyArray<Asked>
  #onTracked: OnTracked | undefined
  /** It went on to another server than the first, which may not announce the keys yet. */
  #isRedirected = false

  /** At least one key. */
  constructor(
    keys: ReadonlyArray<string>,
    { era, keep, many, reply, sentAt, timeout, tracking }: TrackedTerms,
    onTracked: OnTracked
  ) {
    const expiresAt = performance.now() + timeout
    const caching = tracking === "perKey" ? new Asked("CLIENT", ["CACHING", "YES"], true, expiresAt) : undefined
    const values = new Asked(many || keys.length > 1 ? "MGET" : "GET", keys, reply === "utf8", expiresAt)
    const history = era ? new Asked("INFO", ["replication"], true, expiresAt) : undefined
    const last = keys.length - 1
    const lifetimes: Array<Asked> = []
    for (let i = 0; keep && i < last; i++) lifetimes.push(new Asked("PTTL", [keys[i]!], true, expiresAt))
    const prelude = [
      ...(caching === undefined ? [] : [caching]),
      values,
      ...(history === undefined ? [] : [history]),
      ...lifetimes
    ]
    // A server that moves a slot refuses several keys as those of MGET.
    super(last === 0 ? ttlRow : manyRow, "PTTL", [keys[last]!], {
      asText: true,
      timeout,
      prelude,
      routing: {
        primary: true,
        rewind: () => {
          this.#isRedirected = true
          // Its place is behind ASKING, where a server loses it silently.
          if (prelude[0] === caching) prelude.shift()
        }
      }
    })
    this.#sentAt = sentAt
    this.#caching = caching
    this.#values = values
    this.#history = history
    this.#keep = keep
    this.#lifetimes = lifetimes
    this.#onTracked = onTracked
  }

  /** What went wrong with one of them went wrong with all. */
  override answer(raw: RawReply): void {
    const failed = [this.#values, ...this.#lifetimes].find(({ reply }) => reply instanceof ReplyError)
    super.answer(failed === undefined ? raw : failed.reply)
  }

  protected onReply(last: Reply): void {
    this.#tell(this.#replies(last) ?? protocolError(this.#values.name, this.node))
  }

  protected onError(error: CommandError): void {
    this.#tell(error)
  }

  #tell(outcome: ReadonlyArray<TrackedReply> | CommandError): void {
    const onTracked = this.#onTracked
    this.#onTracked = undefined
    onTracked?.(outcome)
  }

  #replies(last: Reply): ReadonlyArray<TrackedReply> | CommandError | undefined {
    const values = readReply(this.#values.name, this.#values.reply, this.node)
    if (values instanceof Error) return values
    const lifetimes = this.#lifetimes
    const list = this.#values.name === "GET" ? [values] : values
    if (!Array.isArray(list) || list.length !== this.#values.args.length) return undefined
    const count = list.length
    // A connection that is not tracked refuses it.
    const isUntold = !this.#keep || this.#isRedirected || this.#caching?.reply instanceof ReplyError
    const server = isUntold ? undefined : this.node
    // Whoever may not ask for it has none.
    const era = this.#history && eraIn(this.#history.reply)
    const replies: Array<TrackedReply> = []
    for (let i = 0; i < count; i++) {
      const value: Reply = list[i]
      const pttl = i === count - 1 ? last : this.#keep ? lifetimes[i]!.reply : -1
      if (typeof pttl !== "number" || !isValueReply(value)) return undefined
      replies.push({ value, pttl, sentAt: this.#sentAt, server, era })
    }
    return replies
  }
}

/** A command before the last one, whose reply is looked at when that one's comes. */
class Asked extends WireCommand {
  readonly expiresAt: number
  reply: RawReply = null

  constructor(name: string, args: ReadonlyArray<string>, asText: boolean, expiresAt: number) {
    super(name, args, asText)
    this.expiresAt = expiresAt
  }

  answer(reply: RawReply): void {
    this.reply = reply
  }

  // The last one is lost with it.
  lose(): void {}
}
