/** Values that the program made and that no cache can store: told once for each kind of key, since every call meets them. */
import { Effect } from "effect"
import type { ValueError } from "../../../schema/CacheError.ts"
import { type CacheMetrics, count } from "./metrics.ts"

/** Kinds of keys that are remembered. */
const mostKinds = 256

/** The key without what differs from one to the next. */
const kindOf = (key: string): string => key.replace(/[0-9a-f]*\d[0-9a-f-]*/gi, "*").slice(0, 100)

export class Unstorable {
  readonly #metrics: CacheMetrics
  readonly #told = new Set<string>()

  constructor(metrics: CacheMetrics) {
    this.#metrics = metrics
  }

  tell(error: ValueError, key: string | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const counted = count(this.#metrics.unstorable)
      const kind = key === undefined ? "" : kindOf(key)
      if (this.#told.has(kind) || this.#told.size >= mostKinds) return counted
      this.#told.add(kind)
      const keys = kind === "" ? "" : `, for keys like ${JSON.stringify(kind)},`
      const why = error._tag === "CacheCodecError" ? error.cause?.message : error.message
      return Effect.andThen(
        counted,
        Effect.logWarning(`the result of a lookup${keys} cannot be stored, so every call runs the lookup: ${why}`)
      )
    })
  }
}
