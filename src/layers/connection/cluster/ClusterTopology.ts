/** What is known of a cluster: who serves which slot. Asked at the first need, after surprises, and now and then. */
import type { ForeignError } from "../../../schema/ForeignError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import { NoConnection, NotWritten } from "../ConnectionFailure.ts"
import { causeOf, failureCode, isLoss, isReplyError, isUnreachable, noneOf } from "../errors.ts"
import type { Step } from "../handshake.ts"
import { Link, nodeName } from "../Link.ts"
import type { ServerNode } from "../ServerNode.ts"
import type { Wire } from "../Wire.ts"
import { askInTurn } from "./askInTurn.ts"
import { emptyPrimaries } from "./emptyPrimaries.ts"
import { agreedTable, isSameCluster, membershipSteps, otherServer } from "./membership.ts"
import { slotCount } from "./slot.ts"
import { parseSlots, type Shard, type SlotTable } from "./SlotTable.ts"
import { Timer } from "../Timer.ts"

export interface ClusterTopologyOptions {
  readonly settings: ClusterSettings
  readonly random: () => number
  /** A connection to a server, opened at need. */
  readonly server: (endpoint: Endpoint) => ServerNode
  /** Other servers may serve now. Those that were replaced by one of their replicas are named. */
  readonly onChange: (replaced: ReadonlySet<string>) => void
  /** Slots have other primaries than before; the old and the new ones are named. */
  readonly onMoved: (servers: ReadonlySet<string>) => void
  /** Whether primaries without slots matter to anybody. */
  readonly wantsEmpty: () => boolean
  /** Whether somebody may have to leave a server that says nothing itself. */
  readonly isWatched: () => boolean
  /** Nobody could be asked, or somebody could again. */
  readonly onOutcome: (failure: ForeignError | undefined) => void
}

/** An answer that is younger is not asked for again, in milliseconds. */
const fresh = 50

/** How often the cluster is asked without a reason, and how often while somebody waits at one of its servers. */
const interval = 15_000
const watchInterval = 1000

export class ClusterTopology {
  readonly #options: ClusterTopologyOptions
  #table: SlotTable
  #refreshing: Promise<void> | undefined
  #refreshedAt = -Infinity
  #timer: Timer | undefined
  /** Those of the table, each once. */
  #shards: ReadonlyArray<Shard> | undefined
  /** The replicas of each primary by the last answer. */
  #replicas: ReadonlyMap<string, ReadonlyArray<string>> = new Map()
  #strangersAskedAt = -Infinity
  #isClosed = false
  isLoaded = false

  constructor(options: ClusterTopologyOptions) {
    this.#options = options
    const endpoints = new Map(options.settings.nodes.map((endpoint) => [nodeName(endpoint), endpoint]))
    this.#table = { shards: [], endpoints, empty: new Map(), ids: new Map(), epoch: 0 }
  }

  shardOf(slot: number): Shard | undefined {
    return this.#table.shards[slot]
  }

  endpointOf(node: string): Endpoint | undefined {
    return this.#table.endpoints.get(node)
  }

  /** What a new connection to the server has to ask before it is used. */
  membershipOf(endpoint: Endpoint): ReadonlyArray<Step> {
    return membershipSteps(this.#table, endpoint, this.#options.settings.natMap)
  }

  /** Those that serve slots. */
  get primaries(): ReadonlyArray<string> {
    return [...new Set(this.#allShards().map(({ primary }) => primary))]
  }

  /** Primaries that serve none, where that matters to anybody. */
  get emptyPrimaries(): ReadonlyMap<string, Endpoint> {
    return this.#table.empty
  }

  /** The primary that the server is a replica of; undefined where it is none. */
  successorOf(node: string): Endpoint | undefined {
    const shard = this.#allShards().find(({ replicas }) => replicas.includes(node))
    return shard && this.endpointOf(shard.primary)
  }

  /** Whether commands go there. */
  needs(node: string): boolean {
    const { readFrom } = this.#options.settings
    return this.#allShards().some(
      ({ primary, replicas }) => primary === node || (readFrom !== "primary" && replicas.includes(node))
    )
  }

  /** Whether there are slots that nobody serves. */
  get hasHoles(): boolean {
    return this.#table.shards.includes(undefined)
  }

  /** A server that commands go to. */
  async anyServer(): Promise<Endpoint> {
    if (!this.isLoaded) await this.refresh()
    const { random, settings } = this.#options
    const { primaries } = this
    const node = primaries[Math.floor(random() * primaries.length)]
    return (node === undefined ? undefined : this.endpointOf(node)) ?? settings.nodes[0]!
  }

  /** The primary of the slot. */
  async serverOf(slot: number): Promise<Endpoint> {
    if (!this.isLoaded || this.shardOf(slot) === undefined) await this.refresh()
    const endpoint = this.endpointOf(this.shardOf(slot)?.primary ?? "")
    if (endpoint === undefined) throw new NoConnection("CLUSTERDOWN", "nobody serves the slot")
    return endpoint
  }

  /** The primary of each slot now. */
  owners(): ReadonlyArray<string | undefined> {
    return this.#table.shards.map((shard) => shard?.primary)
  }

  /** Primaries of slots that had another one before. */
  gainedSince(before: ReadonlyArray<string | undefined>): ReadonlyArray<string> {
    const gained = this.owners().filter((owner, slot) => owner !== undefined && owner !== before[slot])
    return [...new Set(gained)].filter((owner) => owner !== undefined)
  }

  /** A server says that another one serves the slot now. */
  moved(slot: number, endpoint: Endpoint): void {
    const primary = nodeName(endpoint)
    const before = this.shardOf(slot)?.primary
    this.#table.endpoints.set(primary, endpoint)
    const known = this.#table.shards.find((shard) => shard?.primary === primary)
    this.#table.shards[slot] = known ?? { primary, replicas: [] }
    this.#shards = undefined
    if (before !== primary) this.#options.onMoved(new Set(before === undefined ? [primary] : [before, primary]))
    this.refresh().catch(() => {})
  }

  /** Asks again, unless that was just done. */
  refresh(): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing
    if (performance.now() - this.#refreshedAt < fresh) return Promise.resolve()
    return (this.#refreshing = this.#refresh(() => this.#askAnybody()).finally(() => {
      this.#refreshing = undefined
    }))
  }

  /** Asks others than these, which may have been replaced and not know it. Without others nobody can have replaced them. */
  async confirm(doubted: ReadonlySet<string>): Promise<void> {
    const others = this.#known().filter((endpoint) => !doubted.has(nodeName(endpoint)))
    if (others.length > 0) await this.#refresh(() => this.#askOurs(others))
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #refresh(ask: () => Promise<SlotTable>): Promise<void> {
    const { onChange, onOutcome } = this.#options
    this.#timer?.cancel()
    try {
      const { epoch } = this.#table
      const table = await ask()
      // Somebody else has asked meanwhile, and was told of a later failover.
      const isOld = this.#table.epoch > epoch && table.epoch < this.#table.epoch
      if (this.#isClosed || isOld) return
      this.#refreshedAt = performance.now()
      const before = this.#table.shards
      this.#table = table
      this.#shards = undefined
      const replaced = this.#replacedSince()
      this.isLoaded = true
      onOutcome(
        this.hasHoles ? { name: "Error", message: "some slots are not served", code: "CLUSTERDOWN" } : undefined
      )
      onChange(replaced)
      this.#tellMoves(before)
    } catch (error) {
      onOutcome(causeOf(error))
      throw error
    } finally {
      this.#schedule()
    }
  }

  #tellMoves(before: SlotTable["shards"]): void {
    const servers = new Set<string>()
    for (let slot = 0; slot < slotCount; slot++) {
      const old = before[slot]?.primary
      const owner = this.shardOf(slot)?.primary
      if (owner === old) continue
      for (const server of [owner, old]) if (server !== undefined) servers.add(server)
    }
    if (servers.size > 0) this.#options.onMoved(servers)
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer?.cancel()
    const { isWatched, settings } = this.#options
    const look = () => {
      const isDue = !this.isLoaded || isWatched() || performance.now() - this.#refreshedAt >= interval
      if (isDue) this.refresh().catch(() => {})
      else this.#schedule()
    }
    this.#timer = new Timer(this.isLoaded ? watchInterval : settings.connection.reconnectMax, look).unref()
  }

  /** The newest table of our servers; where none of them answers, of those that took their places. */
  async #askAnybody(): Promise<SlotTable> {
    // Those we were told of at first come last: they may be other names of the same servers.
    const named = [...this.#known(), ...this.#options.settings.nodes]
    try {
      return await this.#askOurs([...new Map(named.map((endpoint) => [nodeName(endpoint), endpoint])).values()])
    } catch (error) {
      const successor = await this.#askStrangers()
      if (successor === undefined) throw error
      return successor
    }
  }

  /** In any order, those first that commands go to. */
  #known(): ReadonlyArray<Endpoint> {
    const { endpoints } = this.#table
    return shuffled([...endpoints.keys()], this.#options.random)
      .toSorted((a, b) => Number(this.needs(b)) - Number(this.needs(a)))
      .map((node) => endpoints.get(node)!)
  }

  async #askOurs(servers: ReadonlyArray<Endpoint>): Promise<SlotTable> {
    const { server, settings } = this.#options
    const { empty, epoch } = this.#table
    const answers = new Map<string, SlotTable>()
    // A new primary is not known to all at once: that it has left is for those to say who have named it.
    const emptyBy = ({ endpoints }: SlotTable) => {
      const isOurs = (node: string) => endpoints.has(node) || settings.nodes.some((one) => nodeName(one) === node)
      const all = new Map([...empty].filter(([, { namedBy }]) => isOurs(namedBy) && !answers.has(namedBy)))
      for (const answer of answers.values()) for (const [node, primary] of answer.empty) all.set(node, primary)
      for (const node of endpoints.keys()) all.delete(node)
      return all
    }
    // Who does not tell how new an answer is says nothing older than what is known.
    const newness = (table: SlotTable) => (table.epoch === 0 ? epoch : table.epoch)
    const newest = await askInTurn({
      servers: servers.toSorted((a, b) => Number(server(a).link.isDown) - Number(server(b).link.isDown)),
      // Each connection has made sure that its server is one of ours, which may have left since.
      ask: async (endpoint) => {
        const table = await this.#ask(server(endpoint).link, endpoint)
        if (!isSameCluster(this.#table, table)) throw new NoConnection(otherServer, "the server left the cluster")
        answers.set(nodeName(endpoint), table)
        return table
      },
      isEnough: (table) =>
        newness(table) >= epoch && [...emptyBy(table).values()].every(({ namedBy }) => answers.has(namedBy)),
      epoch: newness,
      timeout: settings.connection.connectTimeout,
      none: (failures) =>
        failures === undefined ? new NoConnection("ETIMEDOUT", "no server of the cluster answers") : whyNone(failures)
    })
    return { ...newest, empty: emptyBy(newest) }
  }

  /** A cluster that is at most of the addresses that we were given, and where no server of ours is any more. */
  async #askStrangers(): Promise<SlotTable | undefined> {
    const { random, server, settings } = this.#options
    const { connection, nodes } = settings
    const strangers = nodes.filter(
      (endpoint) => server(endpoint).link.circumstances("").lastError?.code === otherServer
    )
    const now = performance.now()
    if (strangers.length <= nodes.length / 2 || now - this.#strangersAskedAt < connection.reconnectMax) return undefined
    this.#strangersAskedAt = now
    const answers = await Promise.allSettled(
      strangers.map(async (address) => {
        const link = new Link({ settings: connection, address, random })
        try {
          return await this.#ask(link, address)
        } finally {
          void link.end()
        }
      })
    )
    const tables = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []))
    return agreedTable(tables, nodes.length)
  }

  /** Primaries of the answer before that serve nothing now, while one of their replicas does. Slots that move do not do that. */
  #replacedSince(): ReadonlySet<string> {
    const before = this.#replicas
    const now = new Map(this.#allShards().map(({ primary, replicas }) => [primary, replicas]))
    this.#replicas = now
    const replaced = [...before].filter(
      ([primary, replicas]) => !now.has(primary) && replicas.some((replica) => now.has(replica))
    )
    return new Set(replaced.map(([primary]) => primary))
  }

  #allShards(): ReadonlyArray<Shard> {
    return (this.#shards ??= [...new Set(this.#table.shards)].filter((shard) => shard !== undefined))
  }

  async #ask(link: Link, endpoint: Endpoint): Promise<SlotTable> {
    const wire = await new Promise<Wire>((resolve, reject) =>
      link.whenReady({ operation: "CLUSTER", ready: resolve, fail: reject })
    )
    const [slots, info] = await Promise.all([
      wire.ask("CLUSTER", "SLOTS"),
      // Some users may not ask: then all answers are equally new.
      wire.ask("CLUSTER", "INFO").catch(unlessLost)
    ])
    const { settings, wantsEmpty } = this.#options
    const table = parseSlots(slots, endpoint, settings.natMap)
    if (table === undefined) throw new NoConnection("PROTOCOL", "an unknown answer")
    if (table.endpoints.size === 0) throw new NoConnection("CLUSTERDOWN", "the cluster serves no slots")
    const [, epoch = 0] = /^cluster_current_epoch:(\d+)/m.exec(String(info)) ?? []
    const [, servers = 0] = /^cluster_known_nodes:(\d+)/m.exec(String(info)) ?? []
    if (!wantsEmpty() || Number(servers) <= table.endpoints.size) return { ...table, epoch: Number(epoch) }
    const nodes = await wire.ask("CLUSTER", "NODES").catch(unlessLost)
    return { ...table, empty: emptyPrimaries(nodes, endpoint, settings.natMap), epoch: Number(epoch) }
  }
}

/** Whoever refuses has nothing to say; whoever is gone has not said it. */
const unlessLost = (error: unknown): undefined => {
  if (error instanceof Error && (isLoss(error) || error instanceof NotWritten)) throw error
}

const shuffled = <A>(all: ReadonlyArray<A>, random: () => number): ReadonlyArray<A> =>
  all
    .map((item) => [random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)

const whyNone = (failures: ReadonlyArray<unknown>): NoConnection => {
  const codes = failures.map(codeOf)
  const refused = codes.find((code) => code !== undefined && !isUnreachable(code))
  return noneOf(codes, refused, "no server of the cluster accepts us", {
    code: "NO_NODES",
    message: "no server of the cluster answers"
  })
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && isReplyError(error) && error.message.includes("cluster support disabled")
    ? "NOT_A_CLUSTER"
    : failureCode(error)
