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
  const tell = (what: string, got: unknown) => Effect.sync(() => console.log(what.padEnd(40), got))
  yield* client.send("DEL", ["raw:a", "raw:b", "raw:sum"])

  yield* tell("Any command, here SET with EX:", yield* client.send("SET", ["raw:a", "1", "EX", 60]))
  yield* tell("A reply as bytes:", yield* client.send("GET", ["raw:a"], { reply: "buffer" }))

  const results = yield* client.pipeline([
    { name: "INCR", args: ["raw:a"] },
    { name: "GETRANGE", args: ["raw:a", "not a number", 2] },
    { name: "GET", args: ["raw:a"] }
  ])
  const outcomes = results.map(Result.match({ onFailure: (error) => error._tag, onSuccess: String }))
  yield* tell("A pipeline, whose second command fails:", outcomes)

  const replies = yield* client.transaction([
    { name: "SET", args: ["raw:b", "2"] },
    { name: "MGET", args: ["raw:a", "raw:b"] }
  ])
  yield* tell("A transaction, SET and MGET in one step:", replies)

  const add7 = client.eval(addUpTo, ["raw:sum"], [7, 10])
  yield* tell("A script that adds 7, up to 10, twice:", [yield* add7, yield* add7])

  const keys = yield* Stream.runCollect(client.scan({ match: "raw:*" }))
  yield* tell("The keys, by a scan:", keys.toSorted())
})

await Effect.runPromise(Effect.provide(program, ValkeyUrl.layerConfig()))

// Prints:
// Any command, here SET with EX:           OK
// A reply as bytes:                        <Buffer 31>
// A pipeline, whose second command fails:  [ '2', 'CacheServerError', '2' ]
// A transaction, SET and MGET in one step: [ 'OK', [ '2', '2' ] ]
// A script that adds 7, up to 10, twice:   [ 7, 10 ]
// The keys, by a scan:                     [ 'raw:a', 'raw:b', 'raw:sum' ]
