/** What is known of a cluster: who serves which slot. Asked at the first need, after surprises, and now and then. */
import type { ForeignError } from "../../../schema/CacheError.ts"
import type { ClusterSettings } from "../../../schema/ClusterOptions.ts"
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import { NoConnection } from "../ConnectionFailure.ts"
import { failureCode, noneOf, causeOf, isReplyError } from "../errors.ts"
import { nodeName } from "../Link.ts"
import type { ServerNode } from "../ServerNode.ts"
import type { Wire } from "../Wire.ts"
import { parseSlots, type Shard, type SlotTable } from "./SlotTable.ts"
import { PatientTimer, Timer } from "../Timer.ts"

export interface ClusterTopologyOptions {
  readonly settings: ClusterSettings
  readonly random: () => number
  /** A connection to a server, opened at need. */
  readonly server: (endpoint: Endpoint) => ServerNode
  /** Other servers may serve now. Those that were replaced by one of their replicas are named. */
  readonly onChange: (replaced: ReadonlySet<string>) => void
  /** Whether somebody may have to leave a server that says nothing itself. */
  readonly isWatched: () => boolean
  /** Nobody could be asked, or somebody could again. */
  readonly onOutcome: (failure: ForeignError | undefined) => void
}

/** A server that has not answered in this time is not waited for alone: the next one is asked beside it. */
const hedgeAfter = 100

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
  #primaries: ReadonlyArray<string> | undefined
  /** The replicas of each primary by the last answer. */
  #replicas: ReadonlyMap<string, ReadonlyArray<string>> = new Map()
  #isClosed = false
  isLoaded = false

  constructor(options: ClusterTopologyOptions) {
    this.#options = options
    const endpoints = new Map(options.settings.nodes.map((endpoint) => [nodeName(endpoint), endpoint]))
    this.#table = { shards: [], endpoints }
  }

  shardOf(slot: number): Shard | undefined {
    return this.#table.shards[slot]
  }

  endpointOf(node: string): Endpoint | undefined {
    return this.#table.endpoints.get(node)
  }

  /** Those that serve slots. */
  get primaries(): ReadonlyArray<string> {
    return (this.#primaries ??= [...new Set(this.#shards().map(({ primary }) => primary))])
  }

  /** Whether commands go there. */
  needs(node: string): boolean {
    const { readFrom } = this.#options.settings
    return this.#shards().some(
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
    this.#table.endpoints.set(primary, endpoint)
    const known = this.#table.shards.find((shard) => shard?.primary === primary)
    this.#table.shards[slot] = known ?? { primary, replicas: [] }
    this.#primaries = undefined
    this.refresh().catch(() => {})
  }

  /** Asks again, unless that was just done. */
  refresh(): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing
    if (performance.now() - this.#refreshedAt < fresh) return Promise.resolve()
    return (this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = undefined
    }))
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #refresh(): Promise<void> {
    const { onChange, onOutcome } = this.#options
    this.#timer?.cancel()
    try {
      const table = await this.#askAnybody()
      if (this.#isClosed) return
      this.#refreshedAt = performance.now()
      this.#table = table
      this.#primaries = undefined
      const replaced = this.#replacedSince()
      this.isLoaded = true
      onOutcome(
        this.hasHoles ? { name: "Error", message: "some slots are not served", code: "CLUSTERDOWN" } : undefined
      )
      onChange(replaced)
    } catch (error) {
      onOutcome(causeOf(error))
      throw error
    } finally {
      this.#schedule()
    }
  }

  #schedule(): void {
    if (this.#isClosed) return
    const { isWatched, settings } = this.#options
    const look = () => {
      const isDue = !this.isLoaded || isWatched() || performance.now() - this.#refreshedAt >= interval
      if (isDue) this.refresh().catch(() => {})
      else this.#schedule()
    }
    this.#timer = new Timer(this.isLoaded ? watchInterval : settings.connection.reconnectMax, look).unref()
  }

  /** The first good answer, from servers that are asked one after the other, impatiently. */
  #askAnybody(): Promise<SlotTable> {
    const { random, server, settings } = this.#options
    const { endpoints } = this.#table
    const known = shuffled([...endpoints.keys()], random).toSorted(
      (a, b) => Number(this.needs(b)) - Number(this.needs(a))
    )
    // Those we were told of at first come last: they may be other names of the same servers.
    const named = [...known.map((node) => endpoints.get(node)!), ...settings.nodes]
    const unique = [...new Map(named.map((endpoint) => [nodeName(endpoint), endpoint])).values()]
    const candidates = unique.toSorted((a, b) => Number(server(a).link.isDown) - Number(server(b).link.isDown))
    return new Promise((resolve, reject) => {
      const failures: Array<unknown> = []
      let next = 0
      let isOver = false
      let hedge: Timer | undefined
      const limit = new PatientTimer(settings.connection.connectTimeout, () =>
        finish(() => reject(new NoConnection("ETIMEDOUT", "no server of the cluster answers")))
      )
      const finish = (settle: () => void) => {
        isOver = true
        limit.stop()
        hedge?.cancel()
        settle()
      }
      const askNext = () => {
        hedge?.cancel()
        const endpoint = candidates[next++]
        if (isOver || endpoint === undefined) return
        hedge = new Timer(hedgeAfter, askNext)
        this.#ask(endpoint).then(
          (table) => finish(() => resolve(table)),
          (error: unknown) => {
            failures.push(error)
            if (isOver) return
            if (failures.length === candidates.length) finish(() => reject(whyNone(failures)))
            else askNext()
          }
        )
      }
      askNext()
    })
  }

  /** Primaries of the answer before that serve nothing now, while one of their replicas does. Slots that move do not do that. */
  #replacedSince(): ReadonlySet<string> {
    const before = this.#replicas
    const now = new Map(this.#shards().map(({ primary, replicas }) => [primary, replicas]))
    this.#replicas = now
    const replaced = [...before].filter(
      ([primary, replicas]) => !now.has(primary) && replicas.some((replica) => now.has(replica))
    )
    return new Set(replaced.map(([primary]) => primary))
  }

  #shards(): ReadonlyArray<Shard> {
    return [...new Set(this.#table.shards)].filter((shard) => shard !== undefined)
  }

  #ask(endpoint: Endpoint): Promise<SlotTable> {
    const { server, settings } = this.#options
    const { link } = server(endpoint)
    const wire = new Promise<Wire>((resolve, reject) =>
      link.whenReady({ operation: "CLUSTER", ready: resolve, fail: reject })
    )
    return wire.then(async (wire) => {
      const table = parseSlots(await wire.ask("CLUSTER", "SLOTS"), endpoint, settings.natMap)
      if (table === undefined) throw new NoConnection("PROTOCOL", "an unknown answer")
      if (table.endpoints.size === 0) throw new NoConnection("CLUSTERDOWN", "the cluster serves no slots")
      return table
    })
  }
}

const shuffled = <A>(all: ReadonlyArray<A>, random: () => number): ReadonlyArray<A> =>
  all
    .map((item) => [random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)

const whyNone = (failures: ReadonlyArray<unknown>): NoConnection => {
  const codes = failures.map(codeOf)
  const refused = codes.find((code) => code !== undefined && !isUnreachable.test(code))
  return noneOf(codes, refused, "no server of the cluster accepts us", {
    code: "NO_NODES",
    message: "no server of the cluster answers"
  })
}

const isUnreachable = /^E[A-Z]+$/

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && isReplyError(error) && error.message.includes("cluster support disabled")
    ? "NOT_A_CLUSTER"
    : failureCode(error)
