/** Connections that nobody else shares: one to each server that is needed, opened when it is. */
import { Duration, Effect, Exit, Scope } from "effect"
import { type CommandError, isCacheError } from "../../schema/CacheError.ts"
import { closedError } from "../../schema/failures.ts"
import type { DedicatedClient, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { acrossSlots, withoutKey } from "../connection/cluster/slot.ts"
import type { Spreading } from "../connection/commands.ts"
import { type Call, chooseBySlot, shardedCommands, type Shards, slotOfCall } from "./sharding.ts"

export const ringDedicated = (
  clients: ReadonlyArray<ValkeyClientShape>,
  shards: Shards<ValkeyClientShape>,
  spread: Spreading,
  isClosed: () => boolean
): ValkeyClientShape["dedicated"] =>
  Effect.gen(function* () {
    if (isClosed()) return yield* closedError("dedicated")
    const scope = yield* Effect.scope
    const connections = new Map<ValkeyClientShape, DedicatedClient>()
    for (const client of clients) {
      connections.set(client, whenAcquired(yield* keptOnce(Scope.provide(client.dedicated, scope))))
    }
    let last: ValkeyClientShape | undefined
    /** In the middle of a transaction. */
    let pinned: ValkeyClientShape | undefined
    // What has no keys may be about the connection itself.
    const bySlot = chooseBySlot({ ...shards, anyServer: (operation) => last ?? shards.anyServer(operation) })

    const choose = (call: Call): ValkeyClientShape | CommandError => {
      if (pinned !== undefined) return within(pinned, call)
      if (call.row.leaves !== "pins") return bySlot(call)
      if (slotOfCall(call) === "none") return withoutKey(call.name, "ring")
      const client = bySlot(call)
      if (!isCacheError(client)) pinned = client
      return client
    }

    const within = (client: ValkeyClientShape, call: Call): ValkeyClientShape | CommandError => {
      if (call.row.leaves === "unpins") pinned = undefined
      const slot = slotOfCall(call)
      const isThere = slot === "none" || (slot !== "several" && shards.ofSlot(slot, call.name) === client)
      return isThere ? client : acrossSlots(call.name, "ring")
    }

    return shardedCommands({
      choose: (call) => {
        const client = choose(call)
        if (isCacheError(client)) return client
        last = client
        return connections.get(client)!
      },
      spread: { ...spread, concerns: (row, args) => pinned === undefined && spread.concerns(row, args) }
    })
  })

/** Acquired at the first need; after a failure again at the next. */
const keptOnce = <A, E>(acquire: Effect.Effect<A, E>): Effect.Effect<Effect.Effect<A, E>> =>
  Effect.cachedWithTTL(acquire, (exit) => (Exit.isSuccess(exit) ? Duration.infinity : Duration.zero))

const whenAcquired = (acquire: Effect.Effect<DedicatedClient, CommandError>): DedicatedClient => ({
  send: (name, args, options) => Effect.flatMap(acquire, (own) => own.send(name, args, options)),
  pipeline: (commands) => Effect.flatMap(acquire, (own) => own.pipeline(commands))
})
