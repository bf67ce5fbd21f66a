/** Typed operations that go out together: a pipeline, a transaction, a script. `npm run example examples/pipelines.ts` */
import { Effect, Option, Schema } from "effect"
import { CacheFromConfig, CacheScript, CacheService } from "effect-vcache"

/** Takes from a balance what it holds, in one step on the server. In memory the function runs in place of the Lua. */
const spend = CacheScript.make({
  name: "spend",
  keys: ["balance"],
  args: { amount: Schema.Int },
  result: Schema.NullOr(Schema.Int),
  lua: `
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then return nil end
return redis.call('DECRBY', KEYS[1], ARGV[1])`,
  memory: ({ call }, [balance = ""], [amount = 0]) =>
    Number(call("GET", balance) ?? 0) < Number(amount) ? null : call("DECRBY", balance, amount)
})

const program = Effect.gen(function* () {
  // One hash tag, so that all keys are in one slot of a cluster.
  const cache = (yield* CacheService).withOptions({ prefix: "{pipelines}" })
  yield* cache.clear

  // One write, a tuple of results; each operation stands for itself.
  const [isStored, visits, user] = yield* cache.pipeline((queue) => [
    queue.set("user:1", { name: "Ada" }),
    queue.incr("visits", 1, { initial: 0 }),
    queue.get("user:1")
  ])
  console.log("pipeline:", isStored, visits, Option.getOrNull(user))

  // One step, a record of results; nobody sees the balance without the line in the log.
  const { balance, lines } = yield* cache.transaction((queue) => ({
    balance: queue.incr("balance", 100, { initial: 0 }),
    lines: queue.list("log").pushRight("paid 100")
  }))
  console.log("transaction:", balance, lines)

  const pay = (amount: number) => cache.script(spend, { keys: { balance: "balance" }, args: { amount } })
  console.log("script:", yield* pay(70), yield* pay(70))
  yield* cache.clear
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// pipeline: true 1 { name: 'Ada' }
// transaction: 100 1
// script: 30 null
