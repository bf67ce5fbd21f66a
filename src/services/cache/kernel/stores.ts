/** Storing many values, each of which may fail for itself. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import { protocolError } from "../../../schema/failures.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { split } from "./batches.ts"
import { setArguments } from "./setCommand.ts"

/** What stores one value of a batch. */
export interface StoreCommand {
  readonly key: string
  readonly command: Command
  readonly bytes: number
}

export const storeCommand = (key: string, final: string, encoded: Stored, millis: number): StoreCommand => ({
  key,
  command:
    millis === 0 ? { name: "UNLINK", args: [final] } : { name: "SET", args: setArguments(final, encoded, millis) },
  bytes: final.length + encoded.length
})

/** Whether the reply says that the value is stored, or gone. */
const confirms = (reply: Reply, { name }: Command): boolean =>
  name === "SET" ? reply === "OK" : typeof reply === "number"

/** What could not be stored, and why. */
export const sendStores = Effect.fnUntraced(function* (
  client: ValkeyClientShape,
  stores: ReadonlyArray<StoreCommand>,
  isStored: (reply: Reply, command: Command) => boolean = confirms
): Effect.fn.Return<ReadonlyMap<string, CommandError>, CommandError> {
  const failures = new Map<string, CommandError>()
  for (const part of split(stores, ({ bytes }) => bytes)) {
    const results = yield* client.pipeline(part.map(({ command }) => command))
    results.forEach((result, i) => {
      const { command, key } = part[i]!
      if (Result.isFailure(result)) failures.set(key, result.failure)
      else if (!isStored(result.success, command)) failures.set(key, protocolError(command.name))
    })
  }
  return failures
})
