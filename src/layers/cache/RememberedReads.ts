/** What open scopes have read through one client. A change by this process is forgotten in all of them. */
import { Deferred, Effect, Exit } from "effect"
import type { ReplyEncoding } from "../../schema/Command.ts"
import { isFramed, readHeader, type Stored } from "../../schema/frame.ts"
import type { Memo } from "../../services/Memo.ts"

/** One key's read in one scope. */
class Read {
  readonly #done = Deferred.makeUnsafe<void>()
  /** Undefined: under way, or it did not end well. */
  reply: Stored | null | undefined

  get isUnderWay(): boolean {
    return !Deferred.isDoneUnsafe(this.#done)
  }

  end(): void {
    Deferred.doneUnsafe(this.#done, Exit.void)
  }

  readonly ended: Effect.Effect<void> = Effect.suspend(() => Deferred.await(this.#done))
}

export type { Read }

export class RememberedReads {
  readonly #keys = new Map<string, Map<Memo, Read>>()
  readonly #memos = new WeakMap<Memo, Set<string>>()

  find(memo: Memo, key: string): Read | undefined {
    return this.#keys.get(key)?.get(memo)
  }

  /** Whoever asks for the key from now on waits for this read. */
  begin(memo: Memo, key: string): Read {
    const read = new Read()
    if (memo.isOver) return read
    const ofKey = this.#keys.get(key) ?? new Map<Memo, Read>()
    this.#keys.set(key, ofKey)
    ofKey.set(memo, read)
    this.#keysOf(memo).add(key)
    return read
  }

  /** Undefined: it did not end well, and whoever waited for it reads by itself. */
  end(memo: Memo, key: string, read: Read, reply: Stored | null | undefined): void {
    read.reply = reply
    read.end()
    // What was changed meanwhile is another's.
    if (this.find(memo, key) !== read) return
    if (reply === undefined || isClaimed(reply) || !memo.takes(key.length + (reply?.length ?? 0))) {
      this.#drop(memo, key)
    }
  }

  forget(key: string): void {
    const ofKey = this.#keys.get(key)
    if (ofKey === undefined) return
    for (const memo of ofKey.keys()) this.#memos.get(memo)?.delete(key)
    this.#keys.delete(key)
  }

  forgetAll(): void {
    for (const key of this.#keys.keys()) this.forget(key)
  }

  #drop(memo: Memo, key: string): void {
    const ofKey = this.#keys.get(key)
    ofKey?.delete(memo)
    if (ofKey?.size === 0) this.#keys.delete(key)
    this.#memos.get(memo)?.delete(key)
  }

  #keysOf(memo: Memo): Set<string> {
    const known = this.#memos.get(memo)
    if (known !== undefined) return known
    const keys = new Set<string>()
    this.#memos.set(memo, keys)
    memo.onEnd(() => {
      for (const key of keys) this.#drop(memo, key)
    })
    return keys
  }
}

/** Whoever finds a claim asks again and again until there is a value. */
const isClaimed = (reply: Stored | null): boolean => {
  if (reply === null || !isFramed(reply)) return false
  try {
    return readHeader(reply).claim !== undefined
  } catch {
    return false
  }
}

/** In the form that is wanted; undefined where that cannot be made of what was read. */
export const inForm = (reply: Stored | null, wanted: ReplyEncoding): Stored | null | undefined => {
  if (reply === null || (typeof reply === "string") === (wanted === "utf8")) return reply
  if (Buffer.isBuffer(reply)) return reply.toString()
  // Bytes that are no text were read as one.
  return reply.includes("\ufffd") ? undefined : Buffer.from(reply)
}
