/** The near cache of a layer, where its settings ask for one. */
import { Effect, type Scope } from "effect"
import { keyHead, userKeyOf } from "../../../schema/key.ts"
import type { CacheName } from "../../../schema/CacheName.ts"
import type { Notify } from "../../../schema/CacheNotice.ts"
import type { CacheOptions } from "../../../schema/CacheOptions.ts"
import type { NearSettings } from "../../../schema/NearOptions.ts"
import { tagKeys } from "../../../schema/tagKeys.ts"
import type { NearState } from "../../../schema/NearState.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { NearCache } from "./NearCache.ts"
import { nearLead } from "./nearLead.ts"

export const openNear = (
  client: ValkeyClientShape,
  { keyFunction, prefix, version }: CacheOptions,
  settings: NearSettings | undefined,
  name: CacheName,
  notify: Notify | undefined
): Effect.Effect<NearCache | undefined, never, Scope.Scope> =>
  settings === undefined
    ? Effect.succeed(undefined)
    : NearCache.open({
        client,
        settings,
        lead: nearLead(keyFunction, prefix),
        head: keyHead(keyFunction, prefix, version),
        others: recordsOf(prefix),
        name,
        notices: { notify, userKey: (final) => userKeyOf(keyFunction, { prefix, version }, final) }
      })

/** What the keys of the records of its tags begin with. */
const recordsOf = (prefix: string): ReadonlyArray<string> => {
  const { ledger, tokens } = tagKeys(prefix)
  return [ledger, tokens]
}

export const noNear: Effect.Effect<NearState> = Effect.succeed({ _tag: "Off", reason: "the cache has no near cache" })
