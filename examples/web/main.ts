/**
 * A shop on the cache, with a page that breaks its Valkey and shows what visitors feel: http://localhost:3000
 *
 *   npm run example:web                                on a Valkey started for the occasion, else in memory
 *   VALKEY_URL=valkey://localhost npm run example:web  on yours, which the page does not break
 */
import { createServer } from "node:http"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { CacheLive, IgnoreExceptions, Metrics } from "effect-vcache"
import { app } from "./app.ts"
import * as Valkey from "./valkey.ts"

const cache = CacheLive.layer({
  prefix: "example-web",
  // Most answers come from this process, as long as Valkey says what has changed.
  near: {},
  // No visitor sees a failure of the cache.
  policies: [Metrics.policy(), IgnoreExceptions.policy({ log: false })]
}).pipe(Layer.provideMerge(Valkey.layer))

/** Only this machine, and port 3000, unless they are told otherwise. 0 is any port that is free. */
const address = Config.all({
  host: Config.withDefault(Config.String("HOST"), "127.0.0.1"),
  port: Config.withDefault(Config.Int("PORT"), 3000)
})

const server = Layer.unwrap(
  Effect.map(address, (address) =>
    // Pages that watch hold a response open: the end does not wait for them.
    NodeHttpServer.layer(createServer, { ...address, gracefulShutdownTimeout: "500 millis" })
  )
)

const told = Layer.effectDiscard(
  HttpServer.addressFormattedWith((address) =>
    Console.log(`listening on ${address} (open it in a browser; Ctrl+C ends it)`)
  )
)

NodeRuntime.runMain(Layer.launch(Layer.merge(app, told).pipe(Layer.provide([server, cache]))))
