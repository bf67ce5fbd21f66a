/** SCAN over every server of a ring. */
import { Effect, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { WireArg } from "../../schema/Command.ts"
import type { ScanOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { scanPagesOver } from "../commands/scan.ts"
import { slotOfKey } from "../connection/cluster/slot.ts"
import { unlinkAll } from "../fallback/tell.ts"
import type { RingMember, RingServers } from "./RingServers.ts"

/**
 * The keys that are found where they are looked for. What a server has of others, from a time when the ring had other
 * servers or another process took it for theirs, is nobody's: a scan for keys to delete deletes it there.
 *
 * A server that cannot be asked fails the scan when all others have been asked.
 */
export const ringScan =
  (servers: RingServers): ValkeyClientShape["scanBinary"] =>
  (options) => {
    const page = (member: RingMember, keys: ReadonlyArray<WireArg>) => {
      const own = keys.filter((key) => isOf(servers, member, key))
      if (own.length === keys.length) return Effect.succeed(own)
      const orphans = orphansOf(options, keys, (key) => isOf(servers, member, key))
      return orphans.length === 0 ? Effect.succeed(own) : Effect.as(unlinkAll(member.own, orphans), own)
    }
    return Stream.suspend(() => {
      let failure: CommandError | undefined
      const found = Stream.flatMap(Stream.fromIterable(servers.members), (member) =>
        member.client.scanBinary(options).pipe(
          Stream.chunks,
          Stream.mapEffect((keys) => page(member, keys)),
          Stream.flattenIterable,
          Stream.catch((error) => {
            failure ??= error
            return Stream.empty
          })
        )
      )
      return Stream.concat(
        found,
        Stream.unwrap(Effect.sync(() => (failure === undefined ? Stream.empty : Stream.fail(failure))))
      )
    })
  }

/** Whether the key is looked for at this server. */
const isOf = (servers: RingServers, member: RingMember, key: WireArg): boolean => {
  const slot = slotOfKey(key)
  return servers.owner(slot) === member || servers.place(slot) === member
}

/** One page of it, without what is nobody's. */
export const ringScanPage = (servers: RingServers): ValkeyClientShape["scanPage"] =>
  scanPagesOver(Effect.succeed(servers.nodes), (node) => (cursor, options) => {
    const member = servers.members[servers.nodes.indexOf(node)]!
    return Effect.map(member.client.scanPage(cursor, options), ({ keys, next }) => ({
      keys: keys.filter((key) => isOf(servers, member, key)),
      next
    }))
  })

const orphansOf = (
  { deletes }: ScanOptions = {},
  keys: ReadonlyArray<WireArg>,
  isOwn: (key: WireArg) => boolean
): ReadonlyArray<WireArg> => (deletes === undefined ? [] : keys.filter((key) => !isOwn(key) && deletes(String(key))))
