/** Connections to the replicas that the sentinels name. */
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import type { ClientStates } from "../ClientStates.ts"
import { type LinkState, nodeName } from "../Link.ts"
import type { ServerNode } from "../ServerNode.ts"

export interface ReplicasOptions {
  readonly discover: () => Promise<ReadonlyArray<Endpoint>>
  readonly open: (endpoint: Endpoint, onState: (state: LinkState) => void) => ServerNode
  readonly states: ClientStates
}

/** Who found no replica looks again after this. */
const retryAfter = 500

export class Replicas {
  readonly #options: ReplicasOptions
  readonly #servers = new Map<string, ServerNode>()
  #list: ReadonlyArray<ServerNode> | undefined
  #discovering: Promise<ReadonlyArray<ServerNode>> | undefined
  #discoveredAt = 0

  constructor(options: ReplicasOptions) {
    this.#options = options
  }

  /** Those known; asked for at the first call, and again while there are none. */
  current(): ReadonlyArray<ServerNode> | Promise<ReadonlyArray<ServerNode>> {
    if (this.#list === undefined) {
      const discovering = this.#discover()
      // A caller that only looks does not wait for it.
      discovering.catch(() => {})
      return discovering
    }
    if (this.#list.length === 0 && performance.now() - this.#discoveredAt > retryAfter) this.refresh()
    return this.#list
  }

  /** Asks again, where anybody has asked before. */
  refresh(): void {
    if (this.#list !== undefined) this.#discover().catch(() => {})
  }

  async close(limit: number): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close(limit)))
  }

  #discover(): Promise<ReadonlyArray<ServerNode>> {
    return (this.#discovering ??= this.#options
      .discover()
      .then((endpoints) => this.#replace(endpoints))
      .finally(() => {
        this.#discovering = undefined
        this.#discoveredAt = performance.now()
      }))
  }

  #replace(endpoints: ReadonlyArray<Endpoint>): ReadonlyArray<ServerNode> {
    const { open, states } = this.#options
    const wanted = new Map(endpoints.map((endpoint) => [nodeName(endpoint), endpoint]))
    for (const [node, server] of this.#servers) {
      if (wanted.has(node)) continue
      this.#servers.delete(node)
      void server.drain().then(() => states.forget(node))
    }
    for (const [node, endpoint] of wanted) {
      if (!this.#servers.has(node))
        this.#servers.set(
          node,
          open(endpoint, (state) => states.report(node, state))
        )
    }
    return (this.#list = [...this.#servers.values()])
  }
}
