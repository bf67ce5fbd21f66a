/** The near cache as the readers of one codec see it. */
import { Clock, Effect, Exit, type Fiber, Option } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { CodecError, EntryName, ValueCodec } from "../../../schema/ValueCodec.ts"
import { keptForm, nothing, valueIn } from "./kept.ts"
import type { NearCache, Reader, ServerRead } from "./NearCache.ts"
import { absent, type NearValue, unread } from "./NearValue.ts"
import type { Proofs } from "./Proofs.ts"

export class NearView<A, RD> {
  readonly #near: NearCache
  readonly #codec: ValueCodec<A, RD, unknown>
  readonly #reader: Reader
  readonly #store: NearCache["store"]
  readonly #proofs: Proofs
  /** The head of these readers' keys is that of the store. */
  readonly #isOwn: boolean
  /** Whether changes of all keys of these readers are announced; undefined where each has to be looked at. */
  readonly #covers: boolean | undefined

  /** `head`: what all keys of these readers begin with; undefined where that is not known. */
  constructor(near: NearCache, codec: ValueCodec<A, RD, unknown>, head: string | undefined) {
    const { values } = near.settings
    this.#covers = head === undefined ? undefined : near.covers(head)
    this.#store = near.store
    this.#proofs = near.store.proofs
    this.#isOwn = this.#covers === true && head === near.head
    this.#near = near
    this.#codec = codec
    this.#reader = {
      codec,
      reply: codec.reply,
      keptForm: (final, reply) => keptForm(codec, { operation: "near", key: final, final }, reply, values),
      counts: true
    }
  }

  /** Whether what is read of the key now can be kept. */
  isFor(final: string): boolean {
    return this.#proofs.hasLive && this.#isCovered(final)
  }

  #isCovered(final: string): boolean {
    return this.#covers ?? this.#near.covers(final)
  }

  /** The value of the key under the cache's own head, in the most usual case, which then counts as a hit: else undefined. */
  shared(key: string, caller: Fiber.Fiber<unknown, unknown>): Exit.Exit<Option.Option<A>> | undefined {
    if (!this.#isOwn || !this.#proofs.hasAny) return undefined
    const found = this.#store.findShared(key, this.#codec, this.#near.instant(caller))
    if (found === undefined) return undefined
    this.#near.hit()
    // Of the codec's own type, because that codec made it.
    return Exit.succeed(Option.some(found.value as A))
  }

  /** Keys that nobody has read, and whatever else begins with the lead, may be held, too. */
  get holdsAll(): boolean {
    return this.#store.holding !== undefined
  }

  /** Whether `find` may give anything of the key under the cache's own head. */
  mayFind(key: string): boolean {
    return !this.#isOwn || this.holdsAll || this.#store.holdsOwn(key)
  }

  /** What is near of the key, or that the key is known to have no value, for readers of this codec. */
  find(name: EntryName, caller: Fiber.Fiber<unknown, unknown>): NearValue | undefined {
    const { final } = name
    return (
      this.held(name, caller) ??
      (this.holdsAll && this.isFor(final) && this.#near.lacks(final, caller) ? nothing : undefined)
    )
  }

  /** What is near of the key, for readers of this codec. */
  held(name: EntryName, caller: Fiber.Fiber<unknown, unknown>): NearValue | undefined {
    const { final } = name
    if (!this.#proofs.hasAny || !this.#isCovered(final)) return undefined
    const found = this.#near.find(final, caller, this.#restOf(name))
    if (found === undefined || found.codec === undefined || found.codec === this.#codec) return found
    if (found.codec === unread) return this.#refine(final, found)
    this.#near.store.counts.takenOver++
    return undefined
  }

  /** The same where it bears tags. */
  tagged(name: EntryName, caller: Fiber.Fiber<unknown, unknown>): NearValue | undefined {
    const kept = this.#store.hasTagged ? this.held(name, caller) : undefined
    return kept?.header?.tags === undefined ? undefined : kept
  }

  /**
   * Milliseconds that are left of the lifetime that the server gave to what is near of the key; undefined where that is not
   * known, because near values have a lifetime of their own.
   */
  left(final: string, caller: Fiber.Fiber<unknown, unknown>): number | undefined {
    const { settings, store } = this.#near
    return settings.timeToLive === Infinity ? store.endOf(final) - this.#near.instant(caller) : undefined
  }

  /** Milliseconds that are left of the lifetime of what the server said. */
  leftOf({ expiresAt }: ServerRead, caller: Fiber.Fiber<unknown, unknown>): number {
    return Math.max(0, expiresAt - this.#near.instant(caller))
  }

  /** Puts what nobody has looked at into the form in which it is kept for this codec. Undefined where only the server can judge it. */
  #refine(final: string, { value }: NearValue): NearValue | undefined {
    if (!Buffer.isBuffer(value)) return undefined
    const kept = this.#reader.keptForm(final, this.#reader.reply === "utf8" ? value.toString() : value, undefined)
    if (kept !== undefined) this.#near.store.refine(final, kept)
    return kept
  }

  /** The server was not asked. */
  hit(): void {
    this.#near.hit()
  }

  /** Of what was found. */
  value(name: EntryName, kept: NearValue): Effect.Effect<A, CodecError, RD> {
    return valueIn(this.#codec, name, kept)
  }

  /** The value for whoever asks now, or none: what is stale is there only for `getOrSet`. Tags are not looked at. */
  live(name: EntryName, kept: NearValue): Effect.Effect<Option.Option<A>, CodecError, RD> {
    const { header, value: held } = kept
    if (held === absent) return Effect.succeedNone
    const value = valueIn(this.#codec, name, kept)
    const some = Effect.mapEager(value, Option.some)
    const timing = header?.timing
    if (timing === undefined) return some
    return Effect.flatMap(Clock.currentTimeMillis, (now) => (now < timing.freshUntil ? some : Effect.succeedNone))
  }

  /** The value in the form in which it is kept, where it was decoded for this codec. */
  decoded(kept: NearValue | undefined): { readonly value: A } | undefined {
    // Of the codec's own type, because that codec made it.
    return kept !== undefined && kept.codec === this.#codec ? { value: kept.value as A } : undefined
  }

  /** Reads the key from the server, and keeps what it says. `isShared`: another read that is under way does, too. */
  read(name: EntryName, isShared: boolean): Effect.Effect<ServerRead, CommandError> {
    return this.#near.read(name.final, this.#reader, isShared, this.#restOf(name))
  }

  /** Reads the keys from the server, and keeps what it says. In order. */
  readAll(names: ReadonlyArray<EntryName>): Effect.Effect<ReadonlyArray<ServerRead>, CommandError> {
    const finals = names.map(({ final }) => final)
    const rests = names.map((name) => this.#restOf(name))
    return this.#near.readAll(finals, this.#reader, rests)
  }

  /** What follows the store's head, where that is known. */
  #restOf({ isOwn, key }: EntryName): string | undefined {
    return this.#isOwn && isOwn === true ? key : undefined
  }
}
