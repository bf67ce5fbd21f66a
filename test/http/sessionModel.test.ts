/** Sessions against a map with deadlines, over generated histories. */
import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheMemory, SessionStore } from "effect-vcache"

/** Of the sessions that there were, in the order of their creation. */
const which = Schema.Literals([0, 1, 2])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Create"), data: Schema.Int, seconds: Schema.Literals([60, 5, 120]) }),
  Schema.Struct({ _tag: Schema.tag("Load"), which }),
  Schema.Struct({ _tag: Schema.tag("Save"), which, data: Schema.Int }),
  Schema.Struct({ _tag: Schema.tag("Touch"), which }),
  Schema.Struct({ _tag: Schema.tag("Cycle"), which }),
  Schema.Struct({ _tag: Schema.tag("Destroy"), which }),
  Schema.Struct({ _tag: Schema.tag("Wait"), seconds: Schema.Literals([1, 10, 31, 59, 61]) })
])

interface Known {
  readonly id: Redacted.Redacted
  data: number
  /** In milliseconds. */
  endsAt: number
}

const lifetime = 60_000

it.effect.prop(
  "sessions are there as long as they should be, with what was stored last",
  [Schema.Literals(["fixed", "sliding", "browser"]), Schema.Array(Step)],
  ([expiry, steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* SessionStore.make({ data: Schema.Int, timeToLive: lifetime, expiry })
        const all: Array<Known> = []
        const slides = expiry !== "fixed"
        const missing = { id: Redacted.make("nobody's"), data: 0, endsAt: -Infinity }

        for (const step of steps) {
          const now = yield* Clock.currentTimeMillis
          const known = "which" in step ? (all[all.length - 1 - step.which] ?? missing) : missing
          const isThere = known.endsAt > now
          const used = () => {
            if (slides) known.endsAt = now + lifetime
          }
          switch (step._tag) {
            case "Create": {
              const timeToLive = step.seconds * 1000
              const { data, id } = yield* store.create(step.data, timeToLive === lifetime ? {} : { timeToLive })
              assert.strictEqual(data, step.data)
              all.push({ id, data, endsAt: now + timeToLive })
              break
            }
            case "Load": {
              const found = Option.getOrUndefined(yield* store.load(known.id))
              assert.strictEqual(found?.data, isThere ? known.data : undefined)
              if (found === undefined) break
              used()
              assert.strictEqual(Duration.toMillis(found.expiresIn), known.endsAt - now)
              break
            }
            case "Save": {
              const outcome = yield* Effect.exit(store.save(known.id, step.data))
              assert.strictEqual(outcome._tag, isThere ? "Success" : "Failure")
              if (!isThere) break
              known.data = step.data
              used()
              break
            }
            case "Touch":
              assert.strictEqual(yield* store.touch(known.id), isThere)
              if (isThere) used()
              break
            case "Cycle": {
              const outcome = yield* Effect.option(store.cycle(known.id))
              assert.strictEqual(Option.isSome(outcome), isThere)
              if (Option.isNone(outcome)) break
              used()
              const { data, id } = outcome.value
              assert.strictEqual(data, known.data)
              all[all.indexOf(known)] = { id, data, endsAt: known.endsAt }
              assert.deepStrictEqual(yield* store.load(known.id), Option.none(), "the old id is dead")
              break
            }
            case "Destroy":
              assert.strictEqual(yield* store.destroy(known.id), isThere)
              known.endsAt = -Infinity
              break
            case "Wait":
              yield* TestClock.adjust(`${step.seconds} seconds`)
          }
        }
      })
    ).pipe(Effect.provide(Layer.fresh(CacheMemory))),
  { timeout: 120_000, arbitrary: { runs: 2000, seed: "effect-vcache", size: 30 } }
)
