/** The state of a client, from those of its connections. */
import { Effect, Queue, Stream } from "effect"
import type { ClientState, ServerDown } from "../../schema/ClientState.ts"
import type { LinkState } from "./Link.ts"

/** States that may wait for a slow reader; older ones are dropped. */
const maxWaiting = 64

export class ClientStates {
  readonly #links = new Map<string, LinkState>()
  readonly #listeners = new Set<(state: ClientState) => void>()
  #current: ClientState = { _tag: "Idle" }

  get current(): ClientState {
    return this.#current
  }

  isDown(node: string): boolean {
    return this.#links.get(node)?._tag === "Down"
  }

  /** The number of servers whose connection is in this state. */
  count(tag: LinkState["_tag"]): number {
    return [...this.#links.values()].filter(({ _tag }) => _tag === tag).length
  }

  report(node: string, state: LinkState): void {
    this.#links.set(node, state)
    this.#publish()
  }

  /** The server is needed no more. */
  forget(node: string): void {
    this.#links.delete(node)
    this.#publish()
  }

  close(): void {
    this.#links.clear()
    this.#become({ _tag: "Closed" })
  }

  /** The state now, then each new one; ends with the client. */
  readonly stream: Stream.Stream<ClientState> = Stream.callback<ClientState>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const listener = (state: ClientState) => {
            Queue.offerUnsafe(queue, state)
            if (state._tag === "Closed") Queue.endUnsafe(queue)
          }
          this.#listeners.add(listener)
          listener(this.#current)
          return listener
        }),
        (listener) => Effect.sync(() => this.#listeners.delete(listener))
      ),
    { bufferSize: maxWaiting, strategy: "sliding" }
  )

  #publish(): void {
    if (this.#current._tag !== "Closed") this.#become(this.#overall())
  }

  #overall(): ClientState {
    let state: ClientState = { _tag: "Idle" }
    const down: Array<ServerDown> = []
    for (const [node, link] of this.#links) {
      if (link._tag === "Down") down.push({ node, reason: link.reason })
      if (link._tag === "Ready" || (link._tag === "Connecting" && state._tag === "Idle")) state = { _tag: link._tag }
    }
    const [first] = down
    return first === undefined ? state : { _tag: "Degraded", ...first, down }
  }

  #become(state: ClientState): void {
    if (sameState(this.#current, state)) return
    this.#current = state
    for (const listener of this.#listeners) listener(state)
  }
}

const sameState = (a: ClientState, b: ClientState): boolean =>
  a._tag === b._tag && (a._tag !== "Degraded" || b._tag !== "Degraded" || sameServers(a.down ?? [], b.down ?? []))

const sameServers = (a: ReadonlyArray<ServerDown>, b: ReadonlyArray<ServerDown>): boolean =>
  a.length === b.length && a.every(({ node, reason }, i) => node === b[i]!.node && reason?.code === b[i]!.reason?.code)
