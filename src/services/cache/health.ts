/** Whether the cache can be used now. */
import { Effect, Exit, Option } from "effect"
import type { Reply } from "../../schema/Command.ts"
import type { Health } from "../operations/Health.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import * as replies from "./kernel/replies.ts"

const pong = (reply: Reply) => (reply === "PONG" ? Exit.void : replies.unexpected("PING"))

export const checkHealth = (client: ValkeyClientShape): Effect.Effect<Health> =>
  Effect.gen(function* () {
    const [latency, answer] = yield* Effect.timed(Effect.result(client.request("PING", [], pong)))
    const error = answer._tag === "Failure" ? Option.some(answer.failure) : Option.none()
    return { ready: Option.isNone(error), latency, state: yield* client.state, error }
  })
