/** `effect-vcache admin`: the admin pages on this machine. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected } from "./root.ts"

const grantable = ["edit", "delete", "flush"] as const

export const admin = Command.make(
  "admin",
  {
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("The prefix of a cache; may be given several times. Default: the cache without prefix"),
      Flag.atLeast(0)
    ),
    version: Flag.Int("keys-version").pipe(
      Flag.withDescription("The version of the caches' keys"),
      Flag.withDefault(1)
    ),
    allow: Flag.Literals("allow", grantable).pipe(
      Flag.withDescription("What visitors may do besides looking; may be given several times"),
      Flag.atLeast(0)
    ),
    port: Flag.Int("port").pipe(Flag.withDescription("The port; 0 means any free port"), Flag.withDefault(0))
  },
  ({ allow, port, prefix, version }) =>
    connected((client, output) =>
      Effect.scoped(
        Effect.gen(function* () {
          if (port < 0 || port > 65_535) {
            return yield* new CliFailure({ code: 2, message: "--port must be from 0 to 65535." })
          }
          const { serve } = yield* Effect.promise(() => import("./adminServer.ts"))
          const prefixes = prefix.length === 0 ? [""] : [...new Set(prefix)]
          const address = yield* serve({ prefixes, version, granted: allow, port }).pipe(
            Effect.provideService(ValkeyClient, client),
            Effect.catchTag("ServeError", () =>
              Effect.fail(new CliFailure({ code: 3, message: `The command cannot listen on port ${port}.` }))
            )
          )
          yield* output.isJson ? output.json({ address }) : output.line(address)
          return yield* Effect.never
        })
      )
    )
).pipe(
  Command.withDescription(
    "Serves the admin pages on this machine, and prints the address to open. Visitors with the address may look, and do what --allow says, until the command is stopped"
  )
)
