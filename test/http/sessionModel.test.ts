/** Sessions against a list with deadlines, over generated histories in which ids are used that are long dead. */
import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheMemory, SessionStore } from "effect-vcache"

/** Of the ids that there were, the latest first. */
const which = Schema.Literals([0, 1, 2, 3, 4])

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
  readonly lifetime: number
  data: number
  /** In milliseconds. */
  endsAt: number
  /** Until when it is known that it got another id. */
  knownUntil: number
}

const lifetime = 60_000
const handover = 30_000

it.effect.prop(
  "sessions are there as long as they should be, with what was stored last",
  [Schema.Literals(["fixed", "sliding", "browser"]), Schema.Array(Step)],
  ([expiry, steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* SessionStore.make({ data: Schema.Int, timeToLive: lifetime, expiry, handover })
        const all: Array<Known> = []
        const slides = expiry !== "fixed"
        const missing = {
          id: Redacted.make("nobody's"),
          lifetime,
          data: 0,
          endsAt: -Infinity,
          knownUntil: -Infinity
        }

        for (const step of steps) {
          const now = yield* Clock.currentTimeMillis
          const known = "which" in step ? (all[all.length - 1 - step.which] ?? missing) : missing
          const isThere = known.endsAt > now
          const used = () => {
            if (slides) known.endsAt = now + known.lifetime
          }
          switch (step._tag) {
            case "Create": {
              const timeToLive = step.seconds * 1000
              const { data, id } = yield* store.create(step.data, timeToLive === lifetime ? {} : { timeToLive })
              assert.strictEqual(data, step.data)
              all.push({ id, lifetime: timeToLive, data, endsAt: now + timeToLive, knownUntil: -Infinity })
              break
            }
            case "Load": {
              const found = yield* store.find(known.id)
              assert.strictEqual(found._tag, isThere ? "Found" : known.knownUntil > now ? "Ended" : "Missing")
              if (found._tag !== "Found") break
              used()
              assert.strictEqual(found.data, known.data)
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
              all.push({ ...known, id, data })
              known.endsAt = -Infinity
              known.knownUntil = now + handover
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
  { timeout: 120_000, arbitrary: { runs: 1000, seed: "effect-vcache", size: 30 } }
)
