/** The tags that stored values bear. */
import { Effect, Result } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { bearsTags, readHeader } from "../../schema/frame.ts"
import { tagsIn } from "../../schema/TagStamp.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

/** Of a value so much is read: headers are longer only with many long tags, which are then left out. */
const headBytes = 4096
/** Keys that are asked for in one round trip. */
const page = 200

/** Of each key, in their order; none where there is no value, or one whose header is damaged or longer than 4 KiB. */
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
