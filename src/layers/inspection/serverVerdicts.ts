/** What the table says about servers whose INFO is known. */
import { Effect, Option } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { pairs, shown } from "./replies.ts"
import { rules, settings } from "./rules.ts"
import { at, unknown, type Verdict } from "./Verdict.ts"

/** The verdicts of the table about each server, by its INFO. Where one server answers for all it costs a CONFIG GET. */
export const verdictsOn = (
  client: ValkeyClientShape,
  servers: ReadonlyMap<string, ReadonlyMap<string, string>>
): Effect.Effect<ReadonlyArray<Verdict>> =>
  Effect.gen(function* () {
    const { topology } = client
    const config = topology === "cluster" || topology === "ring" ? undefined : yield* Effect.option(configOf(client))
    const refused: ReadonlyArray<Verdict> =
      config !== undefined && Option.isNone(config)
        ? [
            at("config")(
              unknown(
                "The user may not read the configuration.",
                "ACL SETUSER <user> +config|get, if it is to be looked at."
              )
            )
          ]
        : []
    return [
      ...refused,
      ...[...servers].flatMap(([server, info]) =>
        rules.flatMap(({ check, judge }) => {
          const judgement = judge({ topology, info, config: config && Option.getOrUndefined(config) })
          return judgement === undefined ? [] : [at(check, server)(judgement)]
        })
      )
    ]
  })

const configOf = (client: ValkeyClientShape): Effect.Effect<ReadonlyMap<string, string>, CommandError> =>
  Effect.map(
    client.send("CONFIG", ["GET", ...settings]),
    (reply) => new Map(pairs(reply, (name, value) => [shown(name), shown(value)]))
  )
