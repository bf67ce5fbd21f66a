/**
 * A web application on the cache. It ends in order when it is told to, and keeps answering while its Valkey is away.
 *
 *   npm run example:web                                in memory
 *   VALKEY_URL=valkey://localhost npm run example:web  on a server
 *   npm run example:web -- --server                    on a server started for the occasion
 */
import { createServer } from "node:http"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Breaker, CacheLive, IgnoreExceptions, Metrics, ValkeyMemory, ValkeyStandalone, ValkeyUrl } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"
import { app } from "./app.ts"

/** Nobody waits longer for the cache than the disk takes. */
const options = { commandTimeout: "100 millis" } as const

const client = process.argv.includes("--server")
  ? Layer.unwrap(Effect.map(LocalValkey.start, (url) => ValkeyStandalone.layer({ ...options, url })))
  : Layer.unwrap(
      Effect.map(
        Config.option(Config.Redacted("VALKEY_URL")),
        Option.match({ onNone: () => ValkeyMemory.layer(), onSome: (url) => ValkeyUrl.layer(url, options) })
      )
    )

const cache = CacheLive.layer({
  prefix: "example-web",
  policies: [
    Breaker.policy({ failures: 5, openFor: "1 second" }),
    Metrics.policy(),
    IgnoreExceptions.policy({ log: false })
  ]
}).pipe(Layer.provide(client))

/** 0 = any that is free. */
const port = Config.withDefault(Config.Int("PORT"), 3000)

/** Only this machine, unless it is told otherwise. */
const host = Config.withDefault(Config.String("HOST"), "127.0.0.1")

const told = Layer.effectDiscard(HttpServer.addressFormattedWith((address) => Console.log(`listening on ${address}`)))

const server = Layer.unwrap(
  Effect.map(Config.all({ port, host }), (address) => {
    const http = NodeHttpServer.layer(createServer, address)
    return Layer.merge(HttpRouter.serve(app, { disableListenLog: true, disableLogger: true }), told).pipe(
      Layer.provide(http)
    )
  })
)

NodeRuntime.runMain(Layer.launch(Layer.provide(server, cache)))
