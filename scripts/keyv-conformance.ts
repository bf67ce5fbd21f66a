/**
 * The suite of Keyv 6 against `KeyvStore`, in memory and on a server: `KEYV=/path/to/keyv npm run keyv-conformance`. It is
 * published in Keyv's repository only: fetch https://github.com/jaredwray/keyv first, and run `pnpm install` in it.
 */
import { join } from "node:path"
import { describe, it } from "@effect/vitest"
import { Config, Context, Effect, Exit, Layer, Scope } from "effect"
import { Keyv } from "keyv6"
import { afterAll } from "vitest"
import { CacheLive, CacheMemory, CacheService, ValkeyUrl } from "../src/index.ts"
import KeyvStore from "../src/keyv.ts"
import { startServer } from "../test/support/ValkeyServer.ts"

/** What it exports, of which nothing is typed for the vitest that runs here. */
interface Suite {
  readonly keyvTestSuite: (test: unknown, keyv: unknown, store: () => KeyvStore) => void
  readonly keyvIteratorTests: Suite["keyvTestSuite"]
  readonly storageTestSuite: (test: unknown, store: () => KeyvStore) => void
}

const scope = Scope.makeUnsafe()
const { caches, suite } = await Effect.runPromise(
  Scope.provide(
    Effect.gen(function* () {
      const folder = yield* Config.String("KEYV")
      const { url } = yield* startServer()
      const onServer = yield* Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(url)))
      const inMemory = yield* Layer.build(CacheMemory)
      const suite: Suite = yield* Effect.promise(() => import(join(folder, "core/test-suite/src/index.ts")))
      return {
        suite,
        caches: {
          "in memory": Context.get(inMemory, CacheService),
          "on a server": Context.get(onServer, CacheService)
        }
      }
    }),
    scope
  )
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

for (const [name, cache] of Object.entries(caches)) {
  describe(`the suite of Keyv 6 ${name}`, () => {
    const store = () => new KeyvStore(Layer.succeed(CacheService, cache))
    suite.keyvTestSuite(it, Keyv, store)
    suite.keyvIteratorTests(it, Keyv, store)
    suite.storageTestSuite(it, store)
  })
}
