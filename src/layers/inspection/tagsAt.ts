/** The tags of stored values. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { bearsTags, readHeader } from "../../schema/frame.ts"
import { tagsIn } from "../../schema/TagStamp.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

/** Bytes that are read of each value. Only a header with many long tags is longer; its tags are left out. */
const headBytes = 4096
/** Keys of one round trip. */
const page = 200

/** The tags of each key, in the order of `keys`; empty if there is no value, or if its header is damaged or longer than 4 KiB. */
export const tagsAt = (
  client: ValkeyClientShape,
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<ReadonlyArray<string>>, CommandError> =>
  Effect.gen(function* () {
    const all: Array<ReadonlyArray<string>> = []
    for (let from = 0; from < keys.length; from += page) {
      const heads = yield* client.pipeline(
        keys
          .slice(from, from + page)
          .map((key) => ({ name: "GETRANGE", args: [key, 0, headBytes - 1], reply: "buffer" as const }))
      )
      all.push(...heads.map((head) => (Result.isSuccess(head) ? tagsOf(head.success) : [])))
    }
    return all
  })

const tagsOf = (head: unknown): ReadonlyArray<string> => {
  if (!Buffer.isBuffer(head) || !bearsTags(head)) return []
  try {
    const { tags } = readHeader(head)
    return tags === undefined ? [] : tagsIn(tags.names)
  } catch {
    return []
  }
}
