/** The near store of one cache, its channel, and the reads that fill it. */
import { Cause, Clock, type Context, Deferred, Duration, Effect, Exit, type Fiber, type Scope } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { CacheName } from "../../../schema/CacheName.ts"
import type { ReplyEncoding } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import { beingOpened, type DownCause, type Invalidation, type TrackedReply } from "../../../schema/Invalidation.ts"
import type { NearSettings } from "../../../schema/NearOptions.ts"
import type { NearState } from "../../../schema/NearState.ts"
import type { TrackedOptions, ValkeyClientShape } from "../../ValkeyClient.ts"
import type { Fill } from "./Fill.ts"
import type { Kept, NearValue } from "./NearValue.ts"
import { holdAll } from "./holdAll.ts"
import { rawForm } from "./kept.ts"
import { NearNotices, type NoticeTerms } from "./NearNotices.ts"
import { type NearFigures, nearGauges, NearMetrics } from "./NearMetrics.ts"
import { NearStore } from "./NearStore.ts"
import { watchProofs } from "./watchProofs.ts"

/** Proofs come so much more often than they must. */
const heartbeats = 4

/** Metrics are told of after so many reads at the latest, where no server says anything. */
const tellAfter = 1024

/** What a read of the server gave. */
export interface ServerRead {
  readonly reply: Stored | null
  /** The instant at which its lifetime ends. */
  readonly expiresAt: number
  /** The form in which it may be kept. */
  readonly kept: Kept | undefined
}

type Outcome = Exit.Exit<ServerRead, CommandError>

/** Who reads: how values are wanted, and in which form they are kept. */
export interface Reader {
  readonly codec: object
  readonly reply: ReplyEncoding
  /** `era`: of the server's data, where the reader asks for it. */
  readonly keptForm: (final: string, reply: Stored | null, era: string | undefined) => Kept | undefined
  readonly asksEra?: boolean | undefined
  /** Whether what it reads is told of as missing. */
  readonly counts: boolean
}

export interface NearTerms {
  readonly client: ValkeyClientShape
  readonly settings: NearSettings
  /** What all its final keys begin with; undefined where they have nothing in common. */
  readonly lead: string | undefined
  /** What the final keys of its own version begin with; undefined where that is not known. */
  readonly head: string | undefined
  /** What the other keys begin with whose changes are to be announced: records of tags. */
  readonly others: ReadonlyArray<string>
  /** What metrics and log lines call the cache. */
  readonly name: CacheName
  readonly notices: NoticeTerms
}

interface Down {
  readonly reason: string
  readonly cause: DownCause
  readonly since: number
}

export class NearCache {
  readonly store: NearStore<Outcome>
  readonly settings: NearSettings
  /** What the final keys of its own version begin with; undefined where that is not known. */
  readonly head: string | undefined
  /** Of the client. */
  readonly instant: ValkeyClientShape["instant"]
  readonly #client: ValkeyClientShape
  /** What the keys begin with whose changes are announced. */
  readonly #leads: ReadonlyArray<string>
  readonly #name: CacheName
  readonly #builder: Fiber.Fiber<unknown, unknown>
  /** The builder's, as it was then: a fiber goes on to have others. */
  readonly #context: Context.Context<never>
  readonly #metrics: NearMetrics
  readonly #notices: NearNotices
  /** When all servers had proven last what they announce, or when it was made: as it was before the last event. */
  #provenAt: number
  /** As it was said last. */
  #isWhole: boolean | undefined
  /** The servers that announce nothing, and why. */
  readonly #downs = new Map<string | undefined, Down>()

  /** `builder`: in whose context what nobody asks for is told. */
  constructor(
    { client, head, lead, name, notices, others, settings }: NearTerms,
    builder: Fiber.Fiber<unknown, unknown>
  ) {
    this.store = new NearStore(settings, head)
    this.head = head
    this.settings = settings
    this.instant = client.instant
    this.#client = client
    this.#leads = lead === undefined ? [] : [lead, ...others]
    this.#name = name
    this.#builder = builder
    this.#context = builder.context
    this.#metrics = new NearMetrics(name, builder.context)
    this.#notices = new NearNotices(notices)
    this.#provenAt = this.instant(builder)
    this.#down(undefined, lead === undefined ? noLead : beingOpened, lead === undefined ? "refused" : "lost")
  }

  /** Listens to the changes until the scope closes. */
  static readonly open = (terms: NearTerms): Effect.Effect<NearCache, never, Scope.Scope> =>
    Effect.withFiber((builder) => {
      const near = new NearCache(terms, builder)
      const { client, lead } = terms
      const gauges = nearGauges(terms.name, () => near.#figures())
      if (lead === undefined) return Effect.as(gauges, near)
      const { maxStaleness, tracking } = near.settings
      const listening = { prefixes: near.#leads, tracking, heartbeat: Math.max(1, maxStaleness / heartbeats) }
      const listens = client.invalidations(listening, near.#onEvent)
      return Effect.as(Effect.all([gauges, near.#begin(lead), listens]), near)
    })

  /** What goes on for as long as the cache is there. */
  #begin(lead: string): Effect.Effect<void, never, Scope.Scope> {
    const { proofs } = this.store
    const { holding } = this.store
    const held =
      holding &&
      holdAll({
        client: this.#client,
        lead,
        holding,
        isLive: () => proofs.isLive,
        read: (keys) => this.readAll(keys, everybody),
        onOutcome: () => this.#held()
      })
    const watch = watchProofs({
      proofs,
      maxStaleness: this.settings.maxStaleness,
      instant: () => this.instant(this.#builder),
      onSilent: (server) => this.#down(server, silent, "lost")
    })
    const all = [...(held === undefined ? [] : [held]), ...(this.settings.serveFor === 0 ? [] : [watch])]
    return Effect.forEach(all, (effect) => Effect.forkScoped(effect), { discard: true })
  }

  readonly state: Effect.Effect<NearState> = Effect.withFiber((caller) => {
    this.#tell()
    const { bytes, proofs, size } = this.store
    const down = [...this.#downs.values()].toSorted((a, b) => rank(b) - rank(a))[0]
    if (down === undefined) {
      const age = Math.max(0, this.instant(caller) - proofs.provenAt)
      return Effect.succeed<NearState>({
        _tag: "Live",
        proofAge: Duration.millis(age),
        entries: size,
        bytes,
        holds: this.store.holding?.isWhole === true ? "all" : "read"
      })
    }
    const { cause, reason, since } = down
    const { suspendedAt } = proofs
    const left = suspendedAt === undefined ? 0 : this.settings.serveFor - (this.instant(caller) - suspendedAt)
    if (left > 0) {
      const servesUntil = caller.getRef(Clock.Clock).currentTimeMillisUnsafe() + left
      return Effect.succeed<NearState>({ _tag: "Down", reason, since, servesUntil })
    }
    return Effect.succeed<NearState>(cause === "refused" ? { _tag: "Off", reason } : { _tag: "Down", reason, since })
  })

  /** Whether changes of all keys that begin so are announced. */
  covers(head: string): boolean {
    return this.#leads.some((lead) => head.startsWith(lead))
  }

  find(final: string, caller: Fiber.Fiber<unknown, unknown>, rest?: string): NearValue | undefined {
    return this.store.find(final, this.instant(caller), rest)
  }

  /** That it does not exist is known without its server. */
  lacks(final: string, caller: Fiber.Fiber<unknown, unknown>): boolean {
    return this.store.lacks(final, this.instant(caller))
  }

  /** It has been served. */
  hit(): void {
    if ((++this.store.counts.hits & (tellAfter - 1)) === 0) this.#tell()
  }

  /**
   * Reads the key from the server, and keeps what it says. `isShared`: the reply to a read that is under way does, too, where
   * nothing has happened since it began.
   */
  read(final: string, reader: Reader, isShared: boolean, rest?: string): Effect.Effect<ServerRead, CommandError> {
    return Effect.withFiber((caller) => {
      const now = this.instant(caller)
      const joined = isShared ? this.store.joinable(final, now, reader.codec) : undefined
      if (joined !== undefined) {
        this.store.counts.shared++
        return Effect.flatMap(outcomeOf(joined), (outcome) =>
          isUsable(outcome, now) ? outcome : this.read(final, reader, isShared, rest)
        )
      }
      if (reader.counts) this.store.counts.misses++
      const fill = this.store.begin(final, now, reader.codec, rest)
      const read = this.#client.tracked([final], this.#optionsOf(reader))
      return Effect.onExitPrimitive(
        Effect.map(read, ([reply]) => this.#keep(fill, reply!, reader)),
        (exit) => (Exit.isSuccess(exit) ? undefined : this.#fail(fill, exit.cause))
      )
    })
  }

  /** Reads these keys from the server in one write, and keeps what it says. In order. What is no value is none. */
  readAll(
    keys: ReadonlyArray<string>,
    reader: Reader,
    rests?: ReadonlyArray<string | undefined>
  ): Effect.Effect<ReadonlyArray<ServerRead>, CommandError> {
    return Effect.withFiber((caller) => {
      const now = this.instant(caller)
      if (reader.counts) this.store.counts.misses += keys.length
      const fills = keys.map((key, i) => this.store.begin(key, now, reader.codec, rests?.[i]))
      return Effect.onError(
        Effect.map(this.#client.tracked(keys, { ...this.#optionsOf(reader), many: true }), (replies) =>
          fills.map((fill, i) => this.#keep(fill, replies[i]!, reader))
        ),
        (cause) => Effect.forEach(fills, (fill) => this.#fail(fill, cause), { discard: true })
      )
    })
  }

  /** The same, and the reply to a read that is under way does, too, where nothing has happened since it began. */
  readAllShared(keys: ReadonlyArray<string>, reader: Reader): Effect.Effect<ReadonlyArray<ServerRead>, CommandError> {
    return Effect.withFiber((caller) => {
      const now = this.instant(caller)
      const joined = new Map<string, Deferred.Deferred<Outcome | undefined>>()
      for (const key of keys) {
        const fill = this.store.joinable(key, now, reader.codec)
        if (fill === undefined) continue
        const told = Deferred.makeUnsafe<Outcome | undefined>()
        fill.join((outcome) => Deferred.doneUnsafe(told, Exit.succeed(outcome)))
        joined.set(key, told)
      }
      const others = keys.filter((key) => !joined.has(key))
      if (joined.size === 0) return this.readAll(keys, reader)
      this.store.counts.shared += joined.size
      const own = others.length === 0 ? Exit.succeed([]) : this.readAll(others, reader)
      return Effect.flatMap(own, (own) => {
        const reads = new Map(others.map((key, i) => [key, own[i]!]))
        return Effect.forEach(keys, (key) => {
          const read = reads.get(key)
          if (read !== undefined) return Exit.succeed(read)
          return Effect.flatMap(Deferred.await(joined.get(key)!), (outcome) =>
            isUsable(outcome, now) ? outcome : this.read(key, reader, false)
          )
        })
      })
    })
  }

  #optionsOf({ asksEra, reply }: Reader): TrackedOptions {
    return { reply, tracking: this.settings.tracking, era: asksEra }
  }

  /** Nothing comes between the look at what has happened meanwhile and the keeping. */
  #keep(fill: Fill<Outcome>, tracked: TrackedReply, reader: Reader): ServerRead {
    const kept = reader.keptForm(fill.key, tracked.value, tracked.era)
    this.store.keep(fill, tracked, kept)
    const { place, pttl, sentAt, value } = tracked
    const read: ServerRead = { reply: value, expiresAt: pttl < 0 ? Infinity : sentAt + pttl, kept }
    // Who joined after another reply had been read must not be given an older one.
    if (fill.isAwaited) fill.tell(fill.isBehind(place) ? undefined : Exit.succeed(read))
    return read
  }

  /** Whoever joined a read that was interrupted reads anew. */
  #fail(fill: Fill<Outcome>, cause: Cause.Cause<CommandError>): Effect.Effect<void> {
    return Effect.sync(() => {
      this.store.giveUp(fill)
      fill.tell(Cause.hasInterrupts(cause) ? undefined : Exit.failCause(cause))
    })
  }

  readonly #onEvent = (event: Invalidation): void => {
    const now = this.instant(this.#builder)
    // It may take what was proven with it.
    if (event._tag !== "Keys") this.#provenAt = Math.min(now, this.#lastProven())
    this.store.apply(event, now)
    this.#notices.announced(event)
    switch (event._tag) {
      case "Live": {
        const wereDown = this.#downs.delete(undefined)
        if (this.#downs.delete(event.server) || wereDown) this.#tell()
        break
      }
      case "Proof":
        if (this.#downs.get(event.server)?.reason === silent) this.#downs.delete(event.server)
        this.#tell()
        break
      case "Down":
        if (event.cause === "left") this.#downs.delete(event.server)
        else this.#down(event.server, event.reason, event.cause)
    }
    this.#noticeState()
  }

  #noticeState(): void {
    const [down] = this.#downs.values()
    this.#notices.isOffFor(down?.reason)
  }

  #down(server: string | undefined, reason: string, cause: DownCause): void {
    const known = this.#downs.get(server)
    if (known?.reason === reason && known.cause === cause) return
    this.#downs.set(server, { reason, cause, since: this.#builder.getRef(Clock.Clock).currentTimeMillisUnsafe() })
    if (reason === beingOpened) return
    this.#noticeState()
    this.#metrics.down(reason)
    this.#tell()
    this.#say(cause === "refused" ? Effect.logWarning : Effect.logDebug, `reads go to the server: ${reason}`)
  }

  #say(log: typeof Effect.logDebug, what: string): void {
    Effect.runForkWith(this.#context)(log(`near cache of ${this.#name.cache}: ${what}`))
  }

  /** Every key is held, or there are too many. */
  #held(): void {
    this.#tell()
    const isWhole = this.store.holding?.isWhole === true
    if (this.#isWhole === isWhole) return
    this.#isWhole = isWhole
    if (isWhole) this.#say(Effect.logDebug, "all keys are held")
    else
      this.#say(
        Effect.logWarning,
        "it holds only keys that are read, because there is more than near.maxEntries or near.maxBytes allow"
      )
  }

  #tell(): void {
    this.#metrics.tell(this.store.counts)
  }

  #figures(): NearFigures {
    const { bytes, holding, proofs, size } = this.store
    return {
      entries: size,
      bytes,
      isLive: proofs.isLive,
      isWhole: holding?.isWhole === true,
      proofAge: Math.max(0, this.instant(this.#builder) - this.#lastProven())
    }
  }

  #lastProven(): number {
    return Math.max(this.#provenAt, this.store.proofs.provenAt)
  }
}

/** Reads for nobody in particular. */
const everybody: Reader = { codec: {}, reply: "buffer", keptForm: (_, stored) => rawForm(stored), counts: false }

const silent = "the server does not prove that it announces changes"
const noLead = "the key function gives keys no common beginning"

/** What somebody has to repair comes first. */
const rank = ({ cause }: Down): number => (cause === "refused" ? 1 : 0)

/** Whoever came after the end of what the other one has read must not be given it. */
const isUsable = (outcome: Outcome | undefined, now: number): outcome is Outcome =>
  outcome !== undefined && !(Exit.isSuccess(outcome) && now >= outcome.value.expiresAt)

const outcomeOf = <A>(fill: Fill<A>): Effect.Effect<A | undefined> =>
  Effect.callback((resume) => {
    const leave = fill.join((outcome) => resume(Effect.succeed(outcome)))
    return Effect.sync(leave)
  })
