/** Commands that wait on the server, and how long they may. */
import { type Duration, Effect, Exit } from "effect"
import type { CacheInputError, CommandError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import { refused } from "../../../schema/failures.ts"
import { toMillis } from "../../../schema/timeToLive.ts"
import type { SendOptions, ValkeyClientShape } from "../../ValkeyClient.ts"

export const waitMillis = (operation: string, timeout: Duration.Input): Exit.Exit<number, CacheInputError> => {
  const millis = toMillis(timeout)
  return millis === undefined ? refused(operation, "the timeout is not a duration") : Exit.succeed(millis)
}

/** Sends a command on a connection of its own, because commands that are sent after it on the same one would wait with it. */
export const sendWaiting = (
  { dedicated }: Pick<ValkeyClientShape, "dedicated">,
  command: string,
  args: ReadonlyArray<Arg>,
  options?: SendOptions
): Effect.Effect<Reply, CommandError> =>
  Effect.scoped(Effect.flatMap(dedicated, (own) => own.send(command, args, options)))
