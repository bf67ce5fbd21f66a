/** Applies the table of rules to the answers of servers. */
import { Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Topology } from "../../schema/Command.ts"
import { lacksRight, troubleOf } from "./connectionTrouble.ts"
import { rules } from "./rules.ts"
import type { ServerLook, ServerLooks } from "./serverLooks.ts"
import { at, type Judgement, unknown, type Verdict } from "./Verdict.ts"

/** The verdicts of the table about each server, in their order. */
export const verdictsOn = (topology: Topology, looks: ServerLooks): ReadonlyArray<Verdict> =>
  [...looks].flatMap(([server, look]) => verdictsOf(topology, server, look))

/** The verdicts of the table about one server. */
export const verdictsOf = (
  topology: Topology,
  server: string,
  { config, info }: ServerLook
): ReadonlyArray<Verdict> => {
  if (Result.isFailure(info)) {
    return info.failure._tag === "CacheServerError"
      ? [at("info", server)(unexamined(info.failure))]
      : [at("connection", server)(troubleOf(info.failure))]
  }
  const unread =
    config !== undefined && Result.isFailure(config) ? [at("config", server)(unreadConfig(config.failure))] : []
  const facts = {
    topology,
    info: info.success,
    config: config === undefined ? undefined : Result.getOrUndefined(config)
  }
  return [
    ...unread,
    ...rules.flatMap(({ check, judge }) => {
      const judgement = judge(facts)
      return judgement === undefined ? [] : [at(check, server)(judgement)]
    })
  ]
}

const unexamined = (error: CommandError): Judgement =>
  unknown(
    `The server could not be examined: ${error.message}.`,
    lacksRight(error) ? "ACL SETUSER <user> +info" : undefined
  )

const unreadConfig = (error: CommandError): Judgement =>
  lacksRight(error)
    ? unknown(
        "The user may not read the configuration.",
        "ACL SETUSER <user> +config|get, if the doctor should check it."
      )
    : unknown(`The configuration could not be read: ${error.message}.`)
