/** Three independent servers, and which of them a key belongs to. */
import { Effect, type Scope } from "effect"
import type { ValkeyClientShape } from "effect-vcache"
import { startServer, type ValkeyServer } from "./ValkeyServer.ts"

export interface RingFleet {
  readonly servers: readonly [ValkeyServer, ValkeyServer, ValkeyServer]
  readonly url: string
  readonly urls: ReadonlyArray<string>
  /** The server with this name. */
  readonly named: (node: string) => ValkeyServer
  /** Names of keys of the server, `count` of them, each with a slot of its own. */
  readonly keysOf: (client: ValkeyClientShape, server: ValkeyServer, count: number) => ReadonlyArray<string>
}

export const startRing = (...args: ReadonlyArray<string>): Effect.Effect<RingFleet, never, Scope.Scope> =>
  Effect.gen(function* () {
    const start = startServer(...args)
    const servers = yield* Effect.all([start, start, start], { concurrency: 3 })
    return {
      servers,
      url: `ring://${servers.map(({ node }) => node).join(",")}`,
      urls: servers.map(({ url }) => url),
      named: (node) => servers.find((server) => server.node === node)!,
      keysOf: (client, { node }, count) => {
        const keys: Array<string> = []
        for (let i = 0; keys.length < count; i++) {
          // As the cache names it, which has no prefix.
          if (client.serverOf?.(`:1:k${i}`).node === node) keys.push(`k${i}`)
        }
        return keys
      }
    }
  })
