/** A cache with what was written last: whatever is read is that, or nothing. */
import { assert } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import type { CacheError, TypedCache } from "effect-vcache"

/** Steps with keys; those of the pair may be used together in one command. */
export const writtenSteps = <K extends string, P extends K>(keys: ReadonlyArray<K>, pair: readonly [P, P]) =>
  [
    Schema.Struct({ _tag: Schema.Literals(["Set", "Get", "Delete", "Incr"]), key: Schema.Literals(keys) }),
    Schema.Struct({ _tag: Schema.tag("Rename"), key: Schema.Literals(pair) }),
    Schema.Struct({ _tag: Schema.Literals(["SetMany", "GetMany", "Transaction", "Clear", "Flush", "Keys"]) })
  ] as const

type WrittenStep = ReturnType<typeof writtenSteps<string, string>>[number]["Type"]

export class LastWritten {
  readonly #cache: TypedCache<unknown>
  readonly #keys: ReadonlyArray<string>
  readonly #pair: readonly [string, string]
  /** Undefined = nothing. */
  readonly #last = new Map<string, number>()
  readonly #history: unknown
  #next = 0

  constructor(
    cache: TypedCache<unknown>,
    keys: ReadonlyArray<string>,
    pair: readonly [string, string],
    history: unknown
  ) {
    this.#cache = cache
    this.#keys = keys
    this.#pair = pair
    this.#history = history
  }

  run(step: WrittenStep): Effect.Effect<unknown, CacheError> {
    const cache = this.#cache
    switch (step._tag) {
      case "Set":
        return cache.set(step.key, this.#write(step.key))
      case "Get":
        return Effect.map(cache.get(step.key), (found) => this.#check(step.key, Option.getOrUndefined(found)))
      case "Delete":
        this.#last.delete(step.key)
        return cache.delete(step.key)
      case "Incr":
        // From nothing it begins anew.
        this.#next += 1000
        return Effect.map(cache.incr(step.key, 1, { initial: this.#next }), (count) => this.#last.set(step.key, count))
      case "Rename": {
        const to = this.#pair.find((key) => key !== step.key)!
        const from = this.#last.get(step.key)
        return Effect.map(Effect.option(cache.rename(step.key, to)), (renamed) => {
          if (Option.isNone(renamed)) return
          this.#last.delete(step.key)
          if (from === undefined) this.#last.delete(to)
          else this.#last.set(to, from)
        })
      }
      case "SetMany":
        for (const key of this.#keys) this.#write(key)
        return Effect.map(cache.setMany(new Map(this.#last)), (failed) => assert.deepStrictEqual(failed, []))
      case "GetMany":
        return Effect.map(cache.getMany(this.#keys), (found) => {
          for (const [key, value] of found) this.#check(key, value)
        })
      case "Transaction": {
        const [one, other] = this.#pair
        return cache.transaction((queue) => [queue.set(one, this.#write(one)), queue.set(other, this.#write(other))])
      }
      case "Clear":
        this.#last.clear()
        return cache.clear
      case "Flush":
        this.#last.clear()
        return cache.flushAll
      case "Keys":
        return Effect.map(cache.keys(), (keys) => {
          for (const key of keys) assert.isTrue(this.#last.has(key), JSON.stringify(this.#history))
        })
    }
  }

  #write(key: string): number {
    this.#last.set(key, ++this.#next)
    return this.#next
  }

  #check(key: string, found: unknown): void {
    if (found !== undefined) assert.strictEqual(found, this.#last.get(key), JSON.stringify(this.#history))
  }
}
