/** A client over two stores whose callers leave while the first is lost. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, References } from "effect"
import { TestClock } from "effect/testing"
import { ValkeyClient, ValkeyFallback, ValkeyMemory } from "effect-vcache"
import { Faults } from "effect-vcache/testing"

it.effect("the first store is used again, wherever the caller who met the outage was interrupted", () =>
  Effect.scoped(
    Effect.gen(function* () {
      const first = yield* Layer.build(Layer.provideMerge(Layer.fresh(Faults.layer), Layer.fresh(ValkeyMemory.layer())))
      const faults = Context.get(first, Faults.Faults)
      const client = Context.get(
        yield* Layer.build(ValkeyFallback.layer({ first: Layer.succeedContext(first), second: ValkeyMemory.layer() })),
        ValkeyClient
      )
      yield* client.send("SET", ["k", "first"])
      for (let steps = 6; steps < 100; steps++) {
        yield* faults.set({ failure: "refused" })
        const slow = Effect.provideService(client.send("GET", ["k"]), References.MaxOpsBeforeYield, steps)
        const one = yield* Effect.forkChild(slow, { startImmediately: true })
        yield* Fiber.interrupt(one)
        // What is written in the second store is cleared when the next outage begins.
        yield* client.send("SET", ["other", "second"])
        yield* faults.clear
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* client.send("GET", ["k"]), "first", `interrupted after ${steps} steps`)
      }
    })
  )
)
