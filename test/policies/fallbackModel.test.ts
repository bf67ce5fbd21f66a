/** A cache with a second one for outages, over generated histories: what is read is what was written last, or nothing. */
import { it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheService, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"
import { LastWritten, writtenSteps } from "../support/LastWritten.ts"

const keys = ["a", "b"] as const

const Step = Schema.Union([
  ...writtenSteps(keys, keys),
  Schema.Struct({ _tag: Schema.tag("Up") }),
  Schema.Struct({
    _tag: Schema.tag("Down"),
    failure: Schema.Literals(["refused", "timeout", "lostReply"]),
    rate: Schema.Literals([1, 1, 0.5])
  }),
  Schema.Struct({ _tag: Schema.tag("Wait"), millis: Schema.Literals([100, 1000, 3000]) })
])

it.effect.prop(
  "nothing older comes back",
  [Schema.Array(Step)],
  ([steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const faulty = Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyMemory.layer()))
        const first = yield* Layer.build(faulty)
        const faults = Context.get(first, Faults.Faults)
        const fallback = ValkeyFallback.layer({
          first: Layer.succeedContext(first),
          second: ValkeyMemory.layer()
        })
        const cache = Context.get(yield* Layer.build(Layer.provide(Layer.fresh(CacheLive), fallback)), CacheService)
        const written = new LastWritten(cache, keys, keys, steps)
        for (const step of steps) {
          switch (step._tag) {
            case "Up":
              yield* faults.clear
              break
            case "Down":
              yield* faults.set({ failure: step.failure, rate: step.rate })
              break
            case "Wait":
              yield* TestClock.adjust(step.millis)
              break
            default:
              yield* written.run(step)
          }
        }
      })
    ),
  { timeout: 120_000, arbitrary: { runs: 2000, seed: "effect-vcache", size: 30 } }
)
