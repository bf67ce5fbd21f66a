/** Whether the user may run what the operations of a cache send. It is tried with calls that change nothing. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Arg } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Judgement, ok, problem, unknown } from "./Verdict.ts"

/** Calls about a key that does not exist, of which none makes it exist. */
const calls = (key: string): ReadonlyArray<readonly [name: string, ...args: ReadonlyArray<Arg>]> => [
  ["GET", key],
  ["MGET", key],
  ["SET", key, "", "XX"],
  ["GETDEL", key],
  ["UNLINK", key],
  ["EXISTS", key],
  ["TYPE", key],
  ["PTTL", key],
  ["PEXPIRE", key, 1],
  ["PEXPIREAT", key, 1],
  ["PERSIST", key],
  ["STRLEN", key],
  ["GETRANGE", key, 0, 0],
  ["SCAN", 0, "MATCH", key, "COUNT", 1],
  ["EVAL", "return 0", 1, key],
  ["EVALSHA", "0".repeat(40), 1, key],
  ["HGET", key, "f"],
  ["HDEL", key, "f"],
  ["LLEN", key],
  ["LPUSHX", key, ""],
  ["LPOP", key],
  ["SCARD", key],
  ["SREM", key, ""],
  ["ZCARD", key],
  ["ZREM", key, ""],
  ["XLEN", key],
  ["XTRIM", key, "MAXLEN", 1]
]

type Answer = "allowed" | "forbidden" | "forbiddenKey" | CommandError

/** The rights of the user to the keys that begin with the prefix. It sends 27 commands at once, and changes nothing. */
export const rightsTo = (client: ValkeyClientShape, prefix: string, name: string): Effect.Effect<Judgement> =>
  Effect.map(
    Effect.forEach(
      calls(prefix + name),
      ([command, ...args]) => Effect.map(answerTo(client.send(command, args)), (answer) => [command, answer] as const),
      { concurrency: "unbounded" }
    ),
    (answers) => {
      const those = (wanted: Answer) => answers.flatMap(([command, answer]) => (answer === wanted ? [command] : []))
      const forbidden = those("forbidden")
      const failed = answers.find(([, answer]) => typeof answer === "object")
      if (forbidden.length > 0) {
        return problem(
          `The user may not run ${forbidden.join(", ")}.`,
          `ACL SETUSER <user> ${forbidden.map((command) => `+${command.toLowerCase()}`).join(" ")}`
        )
      }
      if (those("forbiddenKey").length > 0) {
        return problem(
          `The user may not use keys like ${JSON.stringify(`${prefix}…`)}.`,
          `ACL SETUSER <user> ~${prefix}* — or give the prefix that the user has.`
        )
      }
      if (failed !== undefined && typeof failed[1] === "object") {
        return unknown(`The rights could not be tested: ${failed[1].message}.`)
      }
      return ok("The user may run all commands that values, lookups, structures and locks need.")
    }
  )

const answerTo = (sent: Effect.Effect<unknown, CommandError>): Effect.Effect<Answer> =>
  Effect.match(sent, {
    onSuccess: (): Answer => "allowed",
    onFailure: (error): Answer => {
      if (error._tag !== "CacheServerError") return error
      if (error.code !== "NOPERM") return "allowed"
      return /\bkey/.test(error.reply) ? "forbiddenKey" : "forbidden"
    }
  })
