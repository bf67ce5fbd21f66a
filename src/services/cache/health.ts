/** Whether the cache can be used now. */
import { Effect, Exit, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Reply } from "../../schema/Command.ts"
import { isAnswerToPing } from "../../schema/failures.ts"
import type { Health } from "../../schema/Health.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"
import type { NearCache } from "./near/NearCache.ts"
import * as replies from "./kernel/replies.ts"

const pong = (reply: Reply) => (reply === "PONG" ? Exit.void : replies.unexpected("PING"))

const isAnswer = (error: CacheError): boolean => error._tag === "CacheServerError" && isAnswerToPing(error.reply)

export const checkHealth = (client: ValkeyClientShape, near: NearCache | undefined): Effect.Effect<Health> =>
  Effect.gen(function* () {
    const [latency, answer] = yield* Effect.timed(Effect.result(client.request("PING", [], pong)))
    const error = answer._tag === "Failure" && !isAnswer(answer.failure) ? Option.some(answer.failure) : Option.none()
    const nearState = near === undefined ? Option.none() : Option.some(yield* near.state)
    return { ready: Option.isNone(error), latency, state: yield* client.state, error, near: nearState }
  })
