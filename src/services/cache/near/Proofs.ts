/** The servers that announce changes, and how far each has proven that it does. */
import type { DownCause } from "../../../schema/Invalidation.ts"
import { ServerProof } from "./ServerProof.ts"

export class Proofs {
  readonly #live = new Map<string, ServerProof>()
  /** Servers that have keys and announce nothing at the moment, with what they had proven. */
  readonly #down = new Map<string, ServerProof | undefined>()
  /** The earliest instant of all servers. */
  #oldest = -Infinity

  /** Whether every server announces its changes. */
  isLive = false
  /** Whether one of them does. A field, because every read asks for it. */
  hasLive = false
  /** Whether one of them does, or did. */
  hasAny = false

  /** Whatever any server executed before this instant has been announced. */
  get provenAt(): number {
    return this.#oldest
  }

  /** Undefined while the server announces nothing. */
  of(server: string): ServerProof | undefined {
    return this.#live.get(server)
  }

  /** Also while the server announces nothing. */
  known(server: string): ServerProof | undefined {
    return this.#live.get(server) ?? this.#down.get(server)
  }

  /** The latest instant of those that are suspended; undefined where none is. */
  get suspendedAt(): number | undefined {
    let latest: number | undefined
    for (const proof of this.#all()) if (proof.isSuspended) latest = Math.max(latest ?? -Infinity, proof.provenAt)
    return latest
  }

  /** Servers that should have proven by this instant that they announce their changes. */
  overdue(instant: number): ReadonlyArray<string> {
    const servers: Array<string> = []
    for (const { isSuspended, provenAt, server } of this.#live.values()) {
      if (!isSuspended && provenAt < instant && provenAt > -Infinity) servers.push(server)
    }
    return servers
  }

  /** The earliest instant of those that announce their changes and prove it; `Infinity` where none does. */
  get earliest(): number {
    let earliest = Infinity
    for (const { isSuspended, provenAt } of this.#live.values()) {
      if (!isSuspended && provenAt > -Infinity) earliest = Math.min(earliest, provenAt)
    }
    return earliest
  }

  /** Nobody knows any more since `now` at the latest whether what is kept of the server has changed. */
  suspend(server: string, now: number): void {
    const proof = this.known(server)
    if (proof === undefined) return
    proof.isSuspended = true
    proof.provenAt = Math.min(proof.provenAt, now)
  }

  suspendAll(now: number): void {
    for (const { server } of this.#all()) this.suspend(server, now)
  }

  /** The server announces its changes from now on. Returns its proof of before. */
  begin(server: string): ServerProof | undefined {
    const before = this.known(server)
    this.#live.set(server, new ServerProof(server))
    this.#down.delete(server)
    this.#update()
    return before
  }

  proven(server: string, instant: number): void {
    const proof = this.#live.get(server)
    if (proof === undefined || instant <= proof.provenAt) return
    proof.provenAt = instant
    proof.isSuspended = false
    this.#update()
  }

  /** The server announces nothing any more. Returns its proof of before. */
  end(server: string, cause: DownCause): ServerProof | undefined {
    const before = this.known(server)
    this.#live.delete(server)
    if (cause === "left") this.#down.delete(server)
    else this.#down.set(server, before)
    this.#update()
    return before
  }

  /** No server announces anything any more. */
  endAll(cause: DownCause): undefined {
    const servers = [...this.#live.keys(), ...this.#down.keys()]
    for (const server of servers) this.end(server, cause)
  }

  /** The store has none of theirs any more. */
  forgetEntries(): void {
    for (const proof of this.#all()) proof.entries = 0
  }

  *#all(): Iterable<ServerProof> {
    yield* this.#live.values()
    for (const proof of this.#down.values()) if (proof !== undefined) yield proof
  }

  #update(): void {
    this.hasLive = this.#live.size > 0
    this.hasAny = this.hasLive || this.#down.size > 0
    this.isLive = this.hasLive && this.#down.size === 0
    let oldest = this.isLive ? Infinity : -Infinity
    if (this.isLive) for (const { provenAt } of this.#live.values()) oldest = Math.min(oldest, provenAt)
    this.#oldest = oldest
  }
}
