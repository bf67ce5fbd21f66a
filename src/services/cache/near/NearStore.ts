/**
 * Values in this process, and the bookkeeping that keeps them true. It knows no server and no clock: whoever asks says
 * what time it is, and servers are known by their events alone.
 *
 * An entry is served while the server that announces its changes has proven within `maxStaleness` that it still does. A
 * reply is kept only if nothing has happened to its key since the read began.
 */
import type { Invalidation, TrackedReply, Tracking } from "../../../schema/Invalidation.ts"
import { SplitMap } from "../../../schema/SplitMap.ts"
import { Holding } from "./Holding.ts"
import type { Fill } from "./Fill.ts"
import { FillMarks } from "./FillMarks.ts"
import { NearCounts } from "./NearCounts.ts"
import { absent, type Kept, NearEntry } from "./NearEntry.ts"
import { Proofs } from "./Proofs.ts"
import { RecencyList } from "./RecencyList.ts"
import type { ServerProof } from "./ServerProof.ts"

export interface NearLimits {
  readonly maxEntries: number
  /** Of keys and stored forms. */
  readonly maxBytes: number
  /** Milliseconds; `Infinity` = as long as the server says. */
  readonly timeToLive: number
  /** Milliseconds. */
  readonly maxStaleness: number
  /** What was proven so many milliseconds ago is served where a server announces nothing; 0 = nothing is. */
  readonly serveFor: number
  readonly tracking: Tracking
  /** `"all"`: every key under the prefix is to be held, by whoever minds the `holding`. */
  readonly hold: "read" | "all"
}

export class NearStore<A = unknown> {
  readonly proofs = new Proofs()
  readonly marks = new FillMarks<A>()
  readonly counts = new NearCounts()
  /** Where every key is to be held. */
  readonly holding: Holding | undefined
  readonly #limits: NearLimits
  readonly #entries = new SplitMap<NearEntry>()
  readonly #recency = new RecencyList()
  #bytes = 0

  constructor(limits: NearLimits) {
    this.#limits = limits
    this.holding = limits.hold === "all" ? new Holding(limits.maxEntries) : undefined
  }

  get size(): number {
    return this.#entries.size
  }

  /** Of keys and stored forms. */
  get bytes(): number {
    return this.#bytes
  }

  /** What may be served now; now the most recently used. */
  find(key: string, now: number): NearEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (now >= entry.expiresAt) {
      this.#remove(entry)
      // The server counts from when it was asked, which is later.
      this.holding?.changed(key)
      return undefined
    }
    const isSuspended = entry.proof.isSuspended
    const { maxStaleness, serveFor } = this.#limits
    // The next proof may make it good again.
    if (now - this.#provenAt(entry) > (isSuspended ? serveFor : maxStaleness)) return undefined
    if (isSuspended) this.counts.unproven++
    this.#recency.touch(entry)
    return entry
  }

  /** That the key does not exist is known because all that do are held. */
  lacks(key: string, now: number): boolean {
    if (this.holding?.lacks(key) !== true || now - this.proofs.provenAt > this.#limits.maxStaleness) return false
    return this.#entries.get(key) === undefined
  }

  /** A read of the key begins, whose reply is given to `keep` or, where there is none, to `giveUp`. */
  begin(key: string, now: number, codec?: object): Fill<A> {
    return this.marks.begin(key, now, codec)
  }

  /** A read under way whose reply does for whoever asks now: it is as young as a near value must be, and nothing has happened since. */
  joinable(key: string, now: number, codec?: object): Fill<A> | undefined {
    return this.marks.joinable(key, now - this.#limits.maxStaleness, codec)
  }

  /**
   * Keeps what the reply says in place of what was there, or drops what was there: a newer value may have been read.
   * `kept` is undefined where the reply cannot be kept in any form. Whether it was kept.
   */
  keep(fill: Fill<A>, { pttl, sentAt, server }: Omit<TrackedReply, "value">, kept: Kept | undefined): boolean {
    const { key } = fill
    const isMarked = this.marks.isMarked(fill)
    if (isMarked) this.counts.discarded++
    // Of two reads at a time nobody knows which reply is the newer one.
    this.marks.mark(key)
    const known = this.#entries.get(key)
    if (known !== undefined) this.#remove(known)
    if (isMarked) {
      this.holding?.changed(key)
      return false
    }
    const proof = server === undefined ? undefined : this.proofs.of(server)
    const isAbsent = kept?.value === absent
    const entry =
      proof === undefined || kept === undefined || isAbsent !== (pttl === -2)
        ? undefined
        : new NearEntry(key, kept, sentAt + this.#lifetime(pttl), proof)
    if (entry === undefined || entry.bytes > this.#limits.maxBytes) {
      this.holding?.foreign(key)
      return false
    }
    this.holding?.known(key)
    // What is not held is known not to be there.
    if (isAbsent && this.holding?.isTooMuch === false) return true
    this.#add(entry)
    return true
  }

  /** The read ended without a reply. */
  giveUp(fill: Fill<A>): void {
    this.marks.forget(fill)
  }

  /** The key may have changed, or a reply has been read that did not come this way. */
  drop(key: string): void {
    this.marks.mark(key)
    this.holding?.changed(key)
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.counts.invalidations++
    this.#remove(entry)
  }

  /** Anything may have changed. */
  dropAll(): void {
    this.marks.markAll()
    this.holding?.restart()
    this.counts.invalidations += this.#entries.size
    this.#entries.clear()
    this.#recency.clear()
    this.#bytes = 0
    this.proofs.forgetEntries()
  }

  /** What a server says, in the order in which it says it. `now` is the instant at which it is down. */
  apply(event: Invalidation, now = Infinity): void {
    switch (event._tag) {
      case "Keys":
        for (const key of event.keys) this.drop(key)
        return
      case "Proof":
        return this.proofs.proven(event.server, event.sentAt)
      case "Live":
        return this.#dropServer(this.proofs.begin(event.server))
      case "Everything":
        return event.server === undefined ? this.dropAll() : this.#dropServer(this.proofs.known(event.server))
      case "Down":
        return this.#down(event, now)
    }
  }

  #down({ cause, server }: Extract<Invalidation, { readonly _tag: "Down" }>, now: number): void {
    const isOver = cause === "left" || this.#limits.serveFor === 0
    const proof = server === undefined ? this.proofs.endAll(cause) : this.proofs.end(server, cause)
    if (isOver) return server === undefined ? this.dropAll() : this.#dropServer(proof)
    this.marks.markAll()
    this.holding?.restart()
    if (server === undefined) this.proofs.suspendAll(now)
    else this.proofs.suspend(server, now)
  }

  /** A key that is created where a slot is moving to is announced by that server, whose proof a kept miss depends on, too. */
  #provenAt({ proof, value }: NearEntry): number {
    return value === absent && this.#limits.tracking === "broadcast" && !proof.isSuspended
      ? Math.min(proof.provenAt, this.proofs.provenAt)
      : proof.provenAt
  }

  #lifetime(pttl: number): number {
    const { maxStaleness, timeToLive, tracking } = this.#limits
    if (pttl >= 0) return Math.min(pttl, timeToLive)
    return pttl === -2 && tracking === "perKey" ? Math.min(maxStaleness, timeToLive) : timeToLive
  }

  /** What is under way may be of that server, too. */
  #dropServer(proof: ServerProof | undefined): void {
    if (proof !== undefined && proof.entries === this.#entries.size) return this.dropAll()
    this.marks.markAll()
    this.holding?.restart()
    if (proof === undefined || proof.entries === 0) return
    this.counts.invalidations += proof.entries
    for (const entry of this.#recency) if (entry.proof === proof) this.#remove(entry)
  }

  #add(entry: NearEntry): void {
    const { maxBytes, maxEntries } = this.#limits
    this.#entries.set(entry.key, entry)
    this.#recency.add(entry)
    this.#bytes += entry.bytes
    entry.proof.entries++
    while (this.#entries.size > maxEntries || this.#bytes > maxBytes) {
      const { oldest } = this.#recency
      if (oldest === undefined) return
      this.counts.evictions++
      this.holding?.tooMuch()
      this.#remove(oldest)
    }
  }

  #remove(entry: NearEntry): void {
    this.#entries.delete(entry.key)
    this.#recency.remove(entry)
    this.#bytes -= entry.bytes
    entry.proof.entries--
  }
}
