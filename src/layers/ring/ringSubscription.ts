/** Channels of a ring, each at the server that its name belongs to; patterns at every server. */
import { Effect, Exit, Stream } from "effect"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { checkChannels } from "../commands/channels.ts"
import { slotOfKey } from "../connection/cluster/slot.ts"
import type { RingServers } from "./RingServers.ts"

export const ringSubscription =
  (servers: RingServers): ValkeyClientShape["subscription"] =>
  (channels, options) =>
    Effect.suspend((): ReturnType<ValkeyClientShape["subscription"]> => {
      const checked = checkChannels(channels, options)
      if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      const { kind, names } = checked.value
      const shares =
        kind === "pattern"
          ? new Map(servers.members.map((member) => [member, names]))
          : Map.groupBy(names, (name) => servers.owner(slotOfKey(name)))
      return Effect.map(
        Effect.forEach(shares, ([{ own }, share]) => own.subscription(share, options), { concurrency: "unbounded" }),
        (streams) => Stream.mergeAll(streams, { concurrency: "unbounded" })
      )
    })
