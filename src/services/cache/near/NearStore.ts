/**
 * Values in this process, and the bookkeeping that keeps them true. It knows no server and no clock: whoever asks says
 * what time it is, and servers are known by their events alone.
 *
 * An entry is served while the server that announces its changes has proven within `maxStaleness` that it still does. A
 * reply is kept only if nothing has happened to its key since the read began.
 */
import type { Invalidation, TrackedReply, Tracking } from "../../../schema/Invalidation.ts"
import { isReserved } from "../../../schema/reservedKeys.ts"
import { Holding } from "./Holding.ts"
import type { Fill } from "./Fill.ts"
import { FillMarks } from "./FillMarks.ts"
import { NearCounts } from "./NearCounts.ts"
import { absent, type Kept, type NearValue } from "./NearValue.ts"
import { NearEntries, none } from "./NearEntries.ts"
import { Proofs } from "./Proofs.ts"
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

/** How long what was found of some records of tags may be served without another look. */
export interface Term {
  readonly epoch: number
  readonly expiresAt: number
  readonly proof: ServerProof
}

export class NearStore<A = unknown> {
  readonly proofs = new Proofs()
  readonly marks = new FillMarks<A>()
  readonly counts = new NearCounts()
  /** Where every key is to be held. */
  readonly holding: Holding | undefined
  /** Whether a value with tags has been kept. */
  hasTagged = false
  readonly #limits: NearLimits
  readonly #entries: NearEntries
  /** Changes whenever a record of tags may not be near any more, or not the same. */
  #recordsEpoch = 0

  /** `head`: what most keys begin with. Whoever knows the rest of one finds it faster. */
  constructor(limits: NearLimits, head?: string) {
    this.#limits = limits
    this.#entries = new NearEntries(head)
    this.holding = limits.hold === "all" ? new Holding(limits.maxEntries) : undefined
  }

  get size(): number {
    return this.#entries.size
  }

  /** Of keys and stored forms. */
  get bytes(): number {
    return this.#entries.bytes
  }

  /** What may be served now; now the most recently used. */
  find(key: string, now: number, rest?: string): NearValue | undefined {
    const entry = this.#entries.find(key, rest)
    if (entry === none) return undefined
    if (now >= this.#entries.expiresAt(entry)) {
      this.#remove(entry, key)
      // The server counts from when it was asked, which is later.
      this.#holdingOf(key)?.changed(key)
      return undefined
    }
    const found = this.#entries.value(entry)
    const proof = this.#entries.proof(entry)
    const { isSuspended } = proof
    const { maxStaleness, serveFor } = this.#limits
    // The next proof may make it good again.
    if (now - this.#provenAt(proof, found) > (isSuspended ? serveFor : maxStaleness)) return undefined
    if (isSuspended) this.counts.unproven++
    this.#entries.touch(entry)
    return found
  }

  /**
   * The same of the key that is the head and this, for the most usual case alone: the value is all that is kept, this codec decoded it,
   * and its server is proven. Else undefined, whatever `find` gives.
   */
  findShared(rest: string, codec: object, now: number): NearValue | undefined {
    const entry = this.#entries.findShared(rest, codec, now, now - this.#limits.maxStaleness)
    if (entry === none) return undefined
    this.#entries.touch(entry)
    return this.#entries.value(entry)
  }

  /** Whether anything is kept of the key that is the head and this, be it that it may not be served now. */
  holdsOwn(rest: string): boolean {
    return this.#entries.findOwn(rest) !== none
  }

  /** The instant at which the lifetime of what is near of the key ends; `Infinity` where nothing is. */
  endOf(key: string): number {
    const entry = this.#entries.find(key)
    return entry === none ? Infinity : this.#entries.expiresAt(entry)
  }

  /** Of records that are near; undefined where each is to be looked at each time. */
  termOf(keys: ReadonlyArray<string>): Term | undefined {
    let expiresAt = Infinity
    let proof: ServerProof | undefined
    for (const key of keys) {
      const entry = this.#entries.find(key)
      if (entry === none || this.#entries.value(entry).value === absent) return undefined
      const own = this.#entries.proof(entry)
      if (proof !== undefined && own !== proof) return undefined
      proof = own
      expiresAt = Math.min(expiresAt, this.#entries.expiresAt(entry))
    }
    return proof && { epoch: this.#recordsEpoch, expiresAt, proof }
  }

  lasts({ epoch, expiresAt, proof }: Term, now: number): boolean {
    return (
      epoch === this.#recordsEpoch &&
      now < expiresAt &&
      !proof.isSuspended &&
      now - proof.provenAt <= this.#limits.maxStaleness
    )
  }

  /** What was found is kept in another form from now on. */
  refine(key: string, value: NearValue): void {
    const entry = this.#entries.find(key)
    if (entry !== none) this.#entries.replace(entry, value)
  }

  /** That the key does not exist is known because all that do are held. */
  lacks(key: string, now: number): boolean {
    if (this.holding?.lacks(key) !== true || now - this.proofs.provenAt > this.#limits.maxStaleness) return false
    return this.#entries.find(key) === none
  }

  /** A read of the key begins, whose reply is given to `keep` or, where there is none, to `giveUp`. */
  begin(key: string, now: number, codec?: object, rest?: string): Fill<A> {
    return this.marks.begin(key, now, codec, rest)
  }

  /** A read under way whose reply does for whoever asks now: it is as young as a near value must be, and nothing has happened since. */
  joinable(key: string, now: number, codec?: object): Fill<A> | undefined {
    return this.marks.joinable(key, now - this.#limits.maxStaleness, codec)
  }

  /**
   * Keeps what the reply says in place of what was there, or drops what was there: a newer value may have been read.
   * `kept` is undefined where the reply cannot be kept in any form. Whether it was kept.
   */
  keep(fill: Fill<A>, { place, pttl, sentAt, server }: Omit<TrackedReply, "value">, kept: Kept | undefined): boolean {
    const { key, rest } = fill
    const isMarked = this.marks.isMarked(fill, place)
    if (isMarked) this.counts.discarded++
    this.marks.end(fill, place)
    const known = this.#entries.find(key, rest)
    if (known !== none) this.#remove(known, key)
    const holding = this.#holdingOf(key)
    if (isMarked) {
      holding?.changed(key)
      return false
    }
    const proof = server === undefined ? undefined : this.proofs.of(server)
    const isAbsent = kept?.value === absent
    const bytes = Buffer.byteLength(key) + (kept?.bytes ?? 0)
    if (proof === undefined || kept === undefined || isAbsent !== (pttl === -2) || bytes > this.#limits.maxBytes) {
      holding?.foreign(key)
      return false
    }
    if (kept.header?.tags !== undefined) this.hasTagged = true
    holding?.known(key)
    // What is not held is known not to be there.
    if (isAbsent && holding?.isTooMuch === false) return true
    this.#entries.add(key, kept, bytes, sentAt + this.#lifetime(pttl), proof, rest)
    this.#makeRoom()
    return true
  }

  /** The read ended without a reply. */
  giveUp(fill: Fill<A>): void {
    this.marks.forget(fill)
  }

  /** The key may have changed, or a reply has been read that did not come this way. */
  drop(key: string): void {
    this.marks.mark(key)
    this.#holdingOf(key)?.changed(key)
    const entry = this.#entries.find(key)
    if (entry === none) return
    this.counts.invalidations++
    this.#remove(entry, key)
  }

  /** Anything may have changed. */
  dropAll(): void {
    this.marks.markAll()
    this.holding?.restart()
    this.counts.invalidations += this.#entries.size
    this.#recordsEpoch++
    this.#entries.clear()
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
  #provenAt(proof: ServerProof, { value }: NearValue): number {
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
    this.#recordsEpoch++
    let entry = this.#entries.oldest
    while (entry !== none) {
      const newer = this.#entries.newerThan(entry)
      if (this.#entries.proof(entry) === proof) this.#entries.remove(entry)
      entry = newer
    }
  }

  #remove(entry: number, key: string): void {
    if (isReserved(key)) this.#recordsEpoch++
    this.#entries.remove(entry)
  }

  /** The records of tags are no keys of the prefix. */
  #holdingOf(key: string): Holding | undefined {
    return this.holding !== undefined && isReserved(key) ? undefined : this.holding
  }

  #makeRoom(): void {
    const { maxBytes, maxEntries } = this.#limits
    while (this.#entries.size > maxEntries || this.#entries.bytes > maxBytes) {
      this.counts.evictions++
      // Whatever it was: records that are in use are looked at again, and so are not the next to go.
      this.#recordsEpoch++
      this.holding?.tooMuch()
      this.#entries.remove(this.#entries.oldest)
    }
  }
}
