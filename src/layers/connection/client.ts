/** The client over one server: a shared connection, and dedicated ones at need. */
import { Effect, Exit, Random, type Scope } from "effect"
import type { Redis } from "iovalkey"
import { type CacheError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { scanWith } from "../shared/scan.ts"
import { type CommandOptions, makeCommands } from "./commands.ts"
import { Connection } from "./Connection.ts"
import { makeDedicated } from "./DedicatedPool.ts"
import { fromRejection } from "./errors.ts"
import { makeInfo } from "./info.ts"
import { makeEval } from "./scripts.ts"
import { makeSubscribe } from "./subscribe.ts"
import { makeTransaction } from "./transaction.ts"

/** Closed with the scope, within `closeTimeout`. */
export const makeClient = Effect.fnUntraced(function* (
  settings: ConnectionSettings
): Effect.fn.Return<ValkeyClientShape, CacheError, Scope.Scope> {
  const generator = yield* Random.Random
  const random = () => generator.nextDoubleUnsafe()
  const connection = yield* Effect.acquireRelease(
    Effect.sync(() => new Connection(settings, random)),
    (connection) => Effect.promise(() => connection.close())
  )
  const options: CommandOptions = { ...settings, kind: "shared" }
  const commands = makeCommands(connection, options)
  const dedicated = yield* makeDedicated(settings, random)

  const connect = (operation: string) =>
    Effect.callback<Redis, CacheError>((resume) => {
      const waiter = {
        operation,
        ready: (client: Redis) => resume(Exit.succeed(client)),
        fail: (error: CacheError) => resume(Exit.fail(error))
      }
      connection.link.whenReady(waiter)
      return Effect.sync(() => connection.link.stopWaiting(waiter))
    })

  const use: ValkeyClientShape["use"] = (f) =>
    Effect.flatMap(connect("use"), (client) =>
      Effect.tryPromise({ try: () => f(client), catch: (error) => error }).pipe(
        Effect.catch((error) => {
          const known = fromRejection(error, connection.link.circumstances("use"))
          return known === undefined ? Exit.die(error) : Exit.fail(known)
        }),
        Effect.timeoutOrElse({
          duration: settings.commandTimeout,
          orElse: () =>
            Exit.fail(
              new CacheTimeoutError({
                operation: "use",
                phase: "command",
                timeout: settings.commandTimeout,
                node: connection.link.node,
                mayHaveExecuted: true
              })
            )
        })
      )
    )

  if (settings.eager) yield* connect("connect")
  return {
    topology: "standalone",
    ...commands,
    transaction: makeTransaction(connection, options),
    eval: makeEval(commands.send, settings.commandTimeout),
    scan: scanWith(commands.send),
    subscribe: makeSubscribe(settings, random),
    dedicated,
    raw: connect("raw"),
    use,
    info: makeInfo(connection.link.node, commands.send)
  }
})
