/**
 * The servers of a ring: the client of each, and which of them a slot's commands go to. Nobody else decides that.
 *
 * Where the next server takes the place of one that is down, each has a client over two stores (`layers/fallback`): the
 * server itself, and all others, among which the next one of each slot is asked. That one may be down, too, and has
 * such a client itself; the order of a slot ends with the last server.
 */
import { Effect, Exit, Stream } from "effect"
import { CacheConnectionError, type CommandError } from "../../schema/CacheError.ts"
import type { WireArg } from "../../schema/Command.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { slotOfKey } from "../connection/cluster/slot.ts"
import { spreadOver } from "../connection/cluster/spread.ts"
import type { Fallback, SecondStore } from "../fallback/fallbackClient.ts"
import { unlinkAll } from "../fallback/tell.ts"
import type { ServerRing } from "./ServerRing.ts"
import { trackedOver } from "./ringTracked.ts"
import { shardedClient, type Shards } from "./sharding.ts"

export interface RingMember extends Fallback {
  /** As errors and states name it. */
  readonly node: string
  /** Over the server alone. */
  readonly own: ValkeyClientShape
  /** The same, or with others behind it that stand in while it is away. */
  readonly client: ValkeyClientShape
}

type Server = Pick<RingMember, "node" | "own">

export interface RingServersOptions {
  readonly ring: ServerRing
  readonly servers: ReadonlyArray<Server>
  /** Makes a client over a server and those that stand in for it. Absent: nobody does. */
  readonly withStandIn?: ((server: Server, others: SecondStore) => Fallback) | undefined
  /** Whether its last attempt to connect has failed. */
  readonly isDown: (node: string) => boolean
  readonly random: () => number
}

export class RingServers implements Shards<ValkeyClientShape> {
  readonly members: ReadonlyArray<RingMember>
  readonly nodes: ReadonlyArray<string>
  readonly #options: RingServersOptions
  readonly #byNode: ReadonlyMap<string, RingMember>

  constructor(options: RingServersOptions) {
    const { servers, withStandIn } = options
    this.#options = options
    this.nodes = servers.map(({ node }) => node)
    const standInFor =
      withStandIn === undefined ? alone : (server: Server, i: number) => withStandIn(server, this.#standIn(i))
    this.members = servers.map(({ node, own }, i) => {
      const { client, forget, isAway } = standInFor({ node, own }, i)
      return { node, own, client, forget, isAway }
    })
    this.#byNode = new Map(this.members.map((member) => [member.node, member]))
  }

  /** The server that the slot belongs to. */
  owner(slot: number): RingMember {
    return this.members[this.#options.ring.ownerOf(slot)]!
  }

  /** The server that has the slot's keys now. */
  place(slot: number): RingMember {
    const owner = this.owner(slot)
    if (!owner.isAway()) return owner
    const order = this.#options.ring.order(slot)
    return order.map((i) => this.members[i]!).find(({ isAway }) => !isAway()) ?? owner
  }

  readonly ofSlot = (slot: number): ValkeyClientShape => this.owner(slot).client

  readonly anyServer = (operation: string): ValkeyClientShape | CommandError =>
    this.#anyOf(this.members)?.client ?? nobody(operation, undefined)

  readonly named = (node: string, { name }: CommandRow): ValkeyClientShape | CommandError =>
    this.#byNode.get(node)?.client ?? nobody(name, node)

  /** One that is up, where there is any. */
  #anyOf(members: ReadonlyArray<RingMember>): RingMember | undefined {
    const { isDown, random } = this.#options
    const up = members.filter(({ isAway, node }) => !isAway() && !isDown(node))
    const candidates = up.length > 0 ? up : members
    return candidates[Math.floor(random() * candidates.length)]
  }

  /** What the other servers do for one that is away. */
  #standIn(away: number): SecondStore {
    const { ring } = this.#options
    const node = this.nodes[away]!
    const next = (slot: number): RingMember | undefined => {
      const index = ring.after(slot, away)
      return index === undefined ? undefined : this.members[index]
    }
    const shards: Shards<ValkeyClientShape> = {
      ofSlot: (slot, operation) => next(slot)?.client ?? nobody(operation, node),
      // Not through what stands in for that one, or two that are away would ask each other for ever.
      anyServer: (operation) => this.#anyOf(this.members.filter((_, i) => i !== away))?.own ?? nobody(operation, node),
      // What concerns every server the others are asked besides. It is to be noted that this one was not.
      named: (server, row) => (row.spread?.over === "servers" ? nobody(row.name, node, true) : this.named(server, row))
    }
    const spread = spreadOver({ servers: Effect.succeed([node]), serverOf: (slot) => next(slot)?.node })
    return {
      ...shardedClient(shards, spread),
      // The others have its keys, and are scanned besides.
      tracked: trackedOver((slot) => next(slot) ?? nobody("GET", node)),
      scanBinary: () =>
        Stream.suspend(() =>
          this.members.every(({ isAway }) => isAway()) ? Stream.fail(nobody("SCAN", node)) : Stream.empty
        ),
      scanPage: () =>
        Effect.suspend(() =>
          this.members.every(({ isAway }) => isAway())
            ? Exit.fail(nobody("SCAN", node))
            : Exit.succeed({ keys: [], next: undefined })
        ),
      // The ring asks the server itself.
      sendToEach: () => Exit.succeed(new Map()),
      info: () => Exit.fail(nobody("INFO", node)),
      slowLog: () => Exit.fail(nobody("SLOWLOG", node)),
      // Wherever they may have been written: on each server behind this one in their order.
      forget: (keys) =>
        Effect.suspend(() => {
          const shares = this.members.map(({ forget }) => ({ forget, keys: new Array<WireArg>() }))
          for (const key of keys) {
            const order = ring.order(slotOfKey(key))
            for (const server of order.slice(order.indexOf(away) + 1)) shares[server]!.keys.push(key)
          }
          const concerned = shares.filter(({ keys }) => keys.length > 0)
          return Effect.forEach(concerned, ({ forget, keys }) => forget(keys), {
            concurrency: "unbounded",
            discard: true
          })
        })
    }
  }
}

/** Nobody stands in for it. */
const alone = ({ own }: Server): Fallback => ({
  client: own,
  isAway: () => false,
  forget: (keys) => unlinkAll(own, keys)
})

/** No server is left that could be asked. */
const nobody = (operation: string, node: string | undefined, mayHaveExecuted = false): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "connect", code: "NO_NODES", node, mayHaveExecuted })
