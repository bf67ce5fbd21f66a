/** A cache with a second one for outages, over generated histories: what is read is what was written last, or nothing. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheLive, CacheService, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"

const key = Schema.Literals(["a", "b"])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.Literals(["Set", "Get", "Delete", "Incr", "Rename"]), key }),
  Schema.Struct({ _tag: Schema.Literals(["SetMany", "GetMany", "Transaction", "Clear", "Flush", "Up"]) }),
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

        let next = 0
        /** What each key held last; undefined = nothing. */
        const last = new Map<string, number>()
        const assertLast = (name: string, found: unknown) => {
          if (found !== undefined) assert.strictEqual(found, last.get(name), JSON.stringify(steps))
        }

        for (const step of steps) {
          switch (step._tag) {
            case "Set":
              last.set(step.key, ++next)
              yield* cache.set(step.key, next)
              break
            case "Get":
              assertLast(step.key, Option.getOrUndefined(yield* cache.get(step.key)))
              break
            case "Delete":
              last.delete(step.key)
              yield* cache.delete(step.key)
              break
            case "Incr": {
              // From nothing it begins anew.
              next += 1000
              last.set(step.key, yield* cache.incr(step.key, 1, { initial: next }))
              break
            }
            case "Rename": {
              const to = step.key === "a" ? "b" : "a"
              const from = last.get(step.key)
              const isMoved = yield* Effect.option(cache.rename(step.key, to))
              if (Option.isNone(isMoved)) break
              last.delete(step.key)
              if (from === undefined) last.delete(to)
              else last.set(to, from)
              break
            }
            case "SetMany":
              for (const name of ["a", "b"]) last.set(name, ++next)
              assert.deepStrictEqual(yield* cache.setMany(new Map(last)), [])
              break
            case "GetMany":
              for (const [name, found] of yield* cache.getMany(["a", "b"])) assertLast(name, found)
              break
            case "Transaction":
              for (const name of ["a", "b"]) last.set(name, ++next)
              yield* cache.transaction((queue) => [queue.set("a", next - 1), queue.set("b", next)])
              break
            case "Clear":
              last.clear()
              yield* cache.clear
              break
            case "Flush":
              last.clear()
              yield* cache.flushAll
              break
            case "Up":
              yield* faults.clear
              break
            case "Down":
              yield* faults.set({ failure: step.failure, rate: step.rate })
              break
            case "Wait":
              yield* TestClock.adjust(step.millis)
          }
        }
      })
    ),
  { timeout: 120_000, arbitrary: { runs: 2000, seed: "effect-vcache", size: 30 } }
)
