/** The schemas of regions, for values that cannot be read without a schema. */
import { Effect } from "effect"
import { EditRefused } from "../../editing/EditRefused.ts"
import type { EntrySchema } from "../../editing/keyEdits.ts"
import type { ShownCache } from "../kernel/Visit.ts"

/** The schema of the region that the key belongs to; undefined if none of the shown regions has the key. */
export const regionSchema = ({ cache, regions }: ShownCache, key: string): EntrySchema | undefined => {
  const owner = regions.find(
    (region) =>
      key.startsWith(region.lead) &&
      region.cache.client === cache.client &&
      region.cache.makeKey(key, { version: region.version }) === cache.makeKey(key)
  )
  return owner && schemaOf(owner, key)
}

const schemaOf = ({ fromJson, toJson }: ShownCache["regions"][number], key: string): EntrySchema => ({
  read: (stored, form) =>
    Effect.match(toJson(key, stored), {
      onFailure: () => ({ ...form, reason: "It is not a value of its region's schema." }),
      onSuccess: ({ isWhole, json }) => ({
        ...form,
        shownAs: "json",
        text: JSON.stringify(json, undefined, 2),
        said: isWhole ? "json" : "partly",
        reason: isWhole ? undefined : "JSON cannot represent the value exactly."
      })
    }),
  write: (json, inPlaceOf) =>
    Effect.mapError(fromJson(key, json, inPlaceOf), ({ message }) => new EditRefused({ reason: `${message}.` }))
})
