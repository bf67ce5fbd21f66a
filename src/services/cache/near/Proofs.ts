/** The servers that announce changes, and how far each has proven that it does. */
import type { DownCause } from "../../../schema/Invalidation.ts"
import { ServerProof } from "./ServerProof.ts"

export class Proofs {
  readonly #live = new Map<string, ServerProof>()
  /** Servers that have keys and announce nothing at the moment. */
  readonly #down = new Set<string>()
  /** The earliest instant of all servers. */
  #oldest = -Infinity

  /** Whether every server announces its changes. */
  isLive = false
  /** Whether one of them does. A field, because every read asks for it. */
  hasLive = false

  /** Whatever any server executed before this instant has been announced. */
  get provenAt(): number {
    return this.#oldest
  }

  /** Undefined while the server announces nothing. */
  of(server: string): ServerProof | undefined {
    return this.#live.get(server)
  }

  /** The server announces its changes from now on. Returns its proof of before. */
  begin(server: string): ServerProof | undefined {
    const before = this.#live.get(server)
    this.#live.set(server, new ServerProof(server))
    this.#down.delete(server)
    this.#update()
    return before
  }

  proven(server: string, instant: number): void {
    const proof = this.#live.get(server)
    if (proof === undefined || instant <= proof.provenAt) return
    proof.provenAt = instant
    this.#update()
  }

  /** The server announces nothing any more. Returns its proof of before. */
  end(server: string, cause: DownCause): ServerProof | undefined {
    const before = this.#live.get(server)
    this.#live.delete(server)
    if (cause === "left") this.#down.delete(server)
    else this.#down.add(server)
    this.#update()
    return before
  }

  /** No server announces anything any more. */
  endAll(cause: DownCause): void {
    const servers = [...this.#live.keys(), ...this.#down]
    for (const server of servers) this.end(server, cause)
  }

  /** The store has none of theirs any more. */
  forgetEntries(): void {
    for (const proof of this.#live.values()) proof.entries = 0
  }

  #update(): void {
    this.hasLive = this.#live.size > 0
    this.isLive = this.hasLive && this.#down.size === 0
    let oldest = this.isLive ? Infinity : -Infinity
    if (this.isLive) for (const { provenAt } of this.#live.values()) oldest = Math.min(oldest, provenAt)
    this.#oldest = oldest
  }
}
