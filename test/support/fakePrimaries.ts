/** A scripted server as the primary of each topology. */
import { Effect, type Layer, type Scope } from "effect"
import {
  type CacheError,
  type ConnectionOptions,
  type ValkeyClient,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"
import { startFakeSentinel } from "./FakeSentinel.ts"
import { type Answer, type FakeServer, pong, startRaw } from "./FakeServer.ts"

const host = "127.0.0.1"

/** Answers for itself what a topology asks of a primary, and PING; everything else by `answer`, or "+OK". `answer` comes first. */
export const startPrimary = (answer: Answer): Effect.Effect<FakeServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ownAnswer = ([name = "", ...args]: ReadonlyArray<string>): string => {
      switch (name) {
        case "PING":
          return pong([name, ...args])
        case "ROLE":
          return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
        case "CLUSTER":
          return `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n${host}\r\n:${fake.port}\r\n$2\r\nid\r\n`
        default:
          return "+OK\r\n"
      }
    }
    const fake: FakeServer = yield* startRaw((command, socket) => answer(command, socket) ?? ownAnswer(command))
    return fake
  })

type Opened = Effect.Effect<Layer.Layer<ValkeyClient, CacheError>, never, Scope.Scope>

/** The layers of each topology whose primary is the server. */
export const topologiesOf: Readonly<
  Record<string, (server: { readonly port: number; readonly url: string }, options: ConnectionOptions) => Opened>
> = {
  standalone: ({ url }, options) => Effect.succeed(ValkeyStandalone.layer({ ...options, url })),
  replicated: ({ url }, options) => Effect.succeed(ValkeyReplicated.layer({ ...options, urls: [url] })),
  sentinel: ({ port }, options) =>
    Effect.map(startFakeSentinel({ host, port }), ({ endpoint }) =>
      ValkeySentinel.layer({ ...options, name: "main", sentinels: [endpoint] })
    ),
  cluster: ({ port }, options) => Effect.succeed(ValkeyCluster.layer({ ...options, nodes: [{ host, port }] }))
}
