/**
 * A near cache: reads are answered in this process, without a round trip, until somebody writes. Another process writes through the
 * library, then somebody by hand, with `valkey-cli` or over a plain socket where there is none. Each write is read at once.
 * `npm run example examples/near/main.ts`; it starts the server itself.
 */
import { fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { join } from "node:path"
import { Effect, Exit, Layer, Option, Schedule } from "effect"
import { CacheLive, CacheService, type TypedCache, ValkeyUrl } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"

const byAnotherProcess = async (url: string): Promise<void> => {
  await once(fork(join(import.meta.dirname, "other.ts"), [url]), "exit")
}

const byHand = async (url: string): Promise<void> => {
  const { port } = new URL(url)
  const command = ["SET", "shop:1:price", '{"amount":11}']
  if (spawnSync("valkey-cli", ["-p", port, ...command]).error === undefined) return
  const socket = connect(Number(port), "127.0.0.1")
  socket.write(`*3\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join("")}`)
  await once(socket, "data")
  socket.destroy()
}

/** What is near needs no waiting, so that `runSync` gives it. "not near" while the server has to be asked. */
const near = (cache: TypedCache<unknown>): string => {
  const exit = Effect.runSyncExit(cache.get("price"))
  return Exit.isSuccess(exit) ? JSON.stringify(Option.getOrUndefined(exit.value)) : "not near"
}

const program = Effect.fnUntraced(function* (url: string) {
  const cache = yield* CacheService

  /** Reads until the price is near, and is that one. */
  const untilNear = (amount: number) =>
    Effect.repeat(
      Effect.map(cache.get("price"), () => near(cache)),
      { schedule: Schedule.spaced("2 millis"), until: (value) => value === JSON.stringify({ amount }) }
    )

  yield* cache.set("price", { amount: 9.5 })
  console.log("read without the server:", yield* untilNear(9.5))

  yield* Effect.promise(() => byAnotherProcess(url))
  console.log("another process has written:", yield* untilNear(10))

  yield* Effect.promise(() => byHand(url))
  console.log("somebody has written by hand:", yield* untilNear(11))

  yield* cache.set("price", { amount: 12 })
  console.log("this process has written:", JSON.stringify(Option.getOrUndefined(yield* cache.get("price"))))
  console.log("the channel is", (yield* cache.near)._tag)
})

const withServer = Effect.flatMap(LocalValkey.make, ({ url }) =>
  Effect.provide(program(url), Layer.provide(CacheLive.layer({ prefix: "shop", near: {} }), ValkeyUrl.layer(url)))
)
await Effect.runPromise(Effect.scoped(withServer))

// Prints:
// read without the server: {"amount":9.5}
// another process has written: {"amount":10}
// somebody has written by hand: {"amount":11}
// this process has written: {"amount":12}
// the channel is Live
