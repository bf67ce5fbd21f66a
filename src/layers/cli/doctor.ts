/** `effect-vcache doctor`. */
import { styleText } from "node:util"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Doctor from "../inspection/Doctor.ts"
import { ValkeyClient } from "../../services/ValkeyClient.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected } from "./root.ts"
import { visible } from "./text.ts"

const marks = { ok: ["green", "✓"], advice: ["yellow", "!"], problem: ["red", "✗"], unknown: ["gray", "?"] } as const

const markOf = (status: Doctor.Verdict["status"]) => {
  const [color, mark] = marks[status]
  return styleText(color, mark, { stream: process.stdout })
}

export const doctor = Command.make(
  "doctor",
  {
    prefix: Flag.String("prefix").pipe(
      Flag.withDescription("The beginning of the keys to which the user must have access, such as app:"),
      Flag.withDefault("")
    )
  },
  ({ prefix }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const verdicts = yield* Effect.provideService(Doctor.examine({ prefix }), ValkeyClient, client)
        if (output.isJson) yield* Effect.forEach(verdicts, output.json, { discard: true })
        else {
          for (const { advice, check, finding, server, status } of verdicts) {
            const where = server === undefined ? "" : ` (${server})`
            yield* output.line(`${markOf(status)} ${check}${where}: ${visible(finding)}`)
            if (advice !== undefined) yield* output.line(`    ${visible(advice)}`)
          }
          yield* output.line("")
          yield* output.line(visible(Doctor.summary(verdicts)))
        }
        if (Doctor.worst(verdicts) === "problem") return yield* new CliFailure({ code: 1, message: "" })
      })
    )
).pipe(
  Command.withDescription(
    "Says what is wrong with the server or with the connection to it: connection, TLS, rights, clocks, latency, tracking, memory, replicas. It changes nothing. Exit code 1 if there is a problem"
  )
)
