/** Whether the cache can be used now. */
import { type Duration, Effect, Exit, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { ClientState } from "../../schema/ClientState.ts"
import type { Reply } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import * as replies from "./kernel/replies.ts"

export interface Health {
  /** Every server that commands go to has answered a PING: what a readiness probe asks. */
  readonly ready: boolean
  /** How long that took, or took to fail. */
  readonly latency: Duration.Duration
  readonly state: ClientState
  /** Why it is not ready. */
  readonly error: Option.Option<CacheError>
}

const pong = (reply: Reply) => (reply === "PONG" ? Exit.void : replies.unexpected("PING"))

export const checkHealth = (client: ValkeyClientShape): Effect.Effect<Health> =>
  Effect.gen(function* () {
    const [latency, answer] = yield* Effect.timed(Effect.result(client.request("PING", [], pong)))
    const error = answer._tag === "Failure" ? Option.some(answer.failure) : Option.none()
    return { ready: Option.isNone(error), latency, state: yield* client.state, error }
  })
