/** Members in the order of their scores, and what becomes of a key that holds them. */
import type { WireArg } from "../../../schema/Command.ts"
import { keep, sortedSetAt } from "../kernel/access.ts"
import { keyOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { type Scored, SortedSetValue } from "../values/SortedSetValue.ts"

export const rankedAt = (context: CommandContext, key: WireArg | undefined): ReadonlyArray<Scored> =>
  sortedSetAt(context, keyOf(key))?.ranked ?? []

/** In place of whatever is under the key, with its lifetime; nothing leaves nothing. How many they are. */
export const storeAll = (
  context: CommandContext,
  key: string,
  members: ReadonlyArray<Pick<Scored, "member" | "score">>
): number => {
  context.store.delete(key, context.now)
  const set = SortedSetValue.of(members)
  context.store.reserve(key, set.bytes, context.now)
  keep(context, key, set)
  return members.length
}
