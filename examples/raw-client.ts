/** Below the cache: any command, pipelines, transactions, scripts, channels. `npm run example examples/raw-client.ts` */
import { Effect, Result, Stream } from "effect"
import { type Script, ValkeyClient, ValkeyUrl } from "effect-vcache"

const addUpTo: Script = {
  name: "addUpTo",
  lua: `
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if sum > tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[2])
  return tonumber(ARGV[2])
end
return sum`,
  // The same in TypeScript, for the memory topology.
  memory: ({ call }, [key = ""], [by = 0, limit = 0]) => {
    const sum = Number(call("INCRBY", key, by))
    if (sum <= Number(limit)) return sum
    call("SET", key, limit)
    return Number(limit)
  }
}

const program = Effect.gen(function* () {
  const client = yield* ValkeyClient
  yield* client.send("DEL", ["raw:a", "raw:b", "raw:sum"])

  console.log("SET:", yield* client.send("SET", ["raw:a", "1", "EX", 60]))
  console.log("GET as bytes:", yield* client.send("GET", ["raw:a"], { reply: "buffer" }))

  const results = yield* client.pipeline([
    { name: "INCR", args: ["raw:a"] },
    { name: "GETRANGE", args: ["raw:a", "not a number", 2] },
    { name: "GET", args: ["raw:a"] }
  ])
  console.log("a pipeline, one of whose commands fails:")
  console.log(results.map(Result.match({ onFailure: (error) => error._tag, onSuccess: String })))

  const replies = yield* client.transaction([
    { name: "SET", args: ["raw:b", "2"] },
    { name: "MGET", args: ["raw:a", "raw:b"] }
  ])
  console.log("a transaction:", replies)
  const add7 = client.eval(addUpTo, ["raw:sum"], [7, 10])
  console.log("a script, twice:", yield* add7, yield* add7)
  console.log("keys:", (yield* Stream.runCollect(client.scan({ match: "raw:*" }))).toSorted())
})

await Effect.runPromise(Effect.provide(program, ValkeyUrl.layerConfig()))

// Prints:
// SET: OK
// GET as bytes: <Buffer 31>
// a pipeline, one of whose commands fails:
// [ '2', 'CacheServerError', '2' ]
// a transaction: [ 'OK', [ '2', '2' ] ]
// a script, twice: 7 10
// keys: [ 'raw:a', 'raw:b', 'raw:sum' ]
