/** The options of a lookup, checked, in numbers. */
import { type Duration, Effect, Exit, Random } from "effect"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import { attempted, refused } from "../../../schema/failures.ts"
import type { Timing } from "../../../schema/frame.ts"
import { type EarlyRefresh, type LookupDefaults, lookupRefusal } from "../../../schema/LookupDefaults.ts"
import { toMillis, withJitter } from "../../../schema/timeToLive.ts"
import type { LookupOptions } from "../../operations/CacheLookups.ts"
import type { LookedUp } from "../../operations/LookedUp.ts"
import { namesOf } from "../kernel/tagging.ts"

/** After a refresh has failed its source is left alone this long, in milliseconds. */
const defaultBackoff = 10_000

/** A duration, or a function of the value. */
type Window<A> = Duration.Input | ((value: A) => Duration.Input) | undefined

interface Defaults {
  readonly timeToLive: number
  readonly jitter: number
  readonly lookup: LookupDefaults | undefined
}

/** Times are in milliseconds; `Infinity` = for ever. Made for every call, and so made of few parts. */
export class LookupPlan<A> {
  readonly #options: LookupOptions<A, unknown>
  readonly #jitter: number
  readonly #defaultMillis: number
  /** In their normal order where they are known before the lookup. */
  readonly tags: LookupOptions<A, unknown>["tags"]
  readonly softTimeout: number
  readonly waitFor: number | undefined
  readonly errorBackoff: number

  constructor(
    options: LookupOptions<A, unknown>,
    { jitter, timeToLive }: Omit<Defaults, "lookup">,
    times: { readonly softTimeout: number; readonly waitFor: number | undefined; readonly errorBackoff: number },
    tags: LookupPlan<A>["tags"]
  ) {
    this.tags = tags
    this.#options = options
    this.#jitter = jitter
    this.#defaultMillis = timeToLive
    this.softTimeout = times.softTimeout
    this.waitFor = times.waitFor
    this.errorBackoff = times.errorBackoff
  }

  get earlyRefresh(): EarlyRefresh | undefined {
    const { earlyRefresh } = this.#options
    return earlyRefresh === false ? undefined : earlyRefresh
  }

  /** Milliseconds for which a value is kept that says nothing about it itself, at most. */
  get usualLifetime(): number {
    const { keepFor, staleFor, timeToLive } = this.#options
    const fixed = (input: Window<A>) => (typeof input === "function" ? 0 : (optionalMillis(input) ?? 0))
    const lifetime =
      timeToLive === undefined || typeof timeToLive === "function" ? this.#defaultMillis : fixed(timeToLive)
    return Math.ceil(lifetime * (1 + this.#jitter)) + Math.max(fixed(staleFor), fixed(keepFor))
  }

  /** Milliseconds for which the value is kept, at most; zero where the program's function throws or gives no duration. */
  longest({ timeToLive: own, value }: LookedUp<A>): number {
    const timeToLive = own ?? this.#options.timeToLive
    const lifetime = timeToLive === undefined ? this.#defaultMillis : millisFor(timeToLive, value)
    return lifetime === 0 ? 0 : Math.ceil(lifetime * (1 + this.#jitter)) + this.keepFor(value)
  }

  get cluster(): boolean {
    return this.#options.singleFlight === "cluster"
  }

  /** Whether values are stored with their times: those that may be served stale, kept for the next lookup, or refreshed early. */
  get timed(): boolean {
    const { keepFor, staleFor } = this.#options
    return this.earlyRefresh !== undefined || isSome(staleFor) || isSome(keepFor)
  }

  /** How long past its lifetime the value is served; zero where the program's function throws or gives no duration. */
  staleFor(value: A): number {
    return millisFor(this.#options.staleFor, value)
  }

  /** How long past its lifetime the server keeps the value, to be served or to be shown to the next lookup. */
  keepFor(value: A): number {
    return Math.max(this.staleFor(value), millisFor(this.#options.keepFor, value))
  }

  timeToLive({ timeToLive: own, value }: LookedUp<A>): Effect.Effect<number, CacheInputError> {
    const timeToLive = own ?? this.#options.timeToLive
    if (typeof timeToLive !== "function") return this.#millis(timeToLive)
    return Effect.flatMapEager(
      attempted("timeToLive", "the function timeToLive", () => timeToLive(value)),
      (input) => this.#millis(input)
    )
  }

  /** Milliseconds for which a failure is stored. */
  get failureLifetime(): Effect.Effect<number, CacheInputError> {
    return this.#millis(this.#options.cacheFailures?.timeToLive ?? 0)
  }

  #millis(input: Duration.Input | undefined): Effect.Effect<number, CacheInputError> {
    const millis = input === undefined ? this.#defaultMillis : toMillis(input)
    if (millis === undefined) return refused("timeToLive", "timeToLive is not a duration")
    const jitter = this.#jitter
    return jitter === 0 ? Exit.succeed(millis) : Effect.map(Random.next, (random) => withJitter(millis, jitter, random))
  }
}

/** What could refuse the store must do so before the lookup runs. */
export const lookupPlan = <A>(
  operation: string,
  given: LookupOptions<A, unknown>,
  defaults: Defaults
): Exit.Exit<LookupPlan<A>, CacheInputError> => {
  const options = defaults.lookup === undefined ? given : withDefaults(given, defaults.lookup)
  const { earlyRefresh, singleFlight, staleFor, timeToLive } = options
  const jitter = options.jitter ?? defaults.jitter
  if (!(jitter >= 0 && jitter <= 1)) return refused(operation, "jitter must be between 0 and 1")
  const reason = lookupRefusal({
    staleFor: typeof staleFor === "function" ? undefined : staleFor,
    earlyRefresh: earlyRefresh === false ? undefined : earlyRefresh,
    softTimeout: options.softTimeout,
    singleFlight,
    errorBackoff: options.errorBackoff
  })
  if (reason !== undefined) return refused(operation, reason)
  if (!isWindow(options.keepFor)) return refused(operation, "keepFor is not a duration")
  const waitFor = options.waitFor === undefined ? undefined : toMillis(options.waitFor)
  if (options.waitFor !== undefined && waitFor === undefined) return refused(operation, "waitFor is not a duration")
  if (!isWindow(timeToLive)) return refused(operation, "timeToLive is not a duration")
  const errorBackoff = options.errorBackoff === undefined ? defaultBackoff : (optionalMillis(options.errorBackoff) ?? 0)
  const softTimeout = optionalMillis(options.softTimeout) ?? 0
  const planned = (tags: LookupPlan<A>["tags"]) =>
    new LookupPlan(options, { jitter, timeToLive: defaults.timeToLive }, { softTimeout, waitFor, errorBackoff }, tags)
  const { tags } = options
  if (tags === undefined || tags === "lookup" || typeof tags === "function") return Exit.succeed(planned(tags))
  return Exit.map(namesOf(operation, tags, undefined), planned)
}

/** What the call leaves out is as the cache has it. */
const withDefaults = <A>(options: LookupOptions<A, unknown>, lookup: LookupDefaults): LookupOptions<A, unknown> => ({
  ...options,
  staleFor: options.staleFor ?? lookup.staleFor,
  earlyRefresh: options.earlyRefresh ?? lookup.earlyRefresh,
  softTimeout: options.softTimeout ?? lookup.softTimeout,
  singleFlight: options.singleFlight ?? lookup.singleFlight,
  errorBackoff: options.errorBackoff ?? lookup.errorBackoff
})

const optionalMillis = (input: Duration.Input | undefined): number | undefined =>
  input === undefined ? 0 : toMillis(input)

const isWindow = (window: Window<never>): boolean =>
  typeof window === "function" || optionalMillis(window) !== undefined

const isSome = (window: Window<never>): boolean => typeof window === "function" || (optionalMillis(window) ?? 0) > 0

const millisFor = <A>(window: Window<A>, value: A): number => {
  if (typeof window !== "function") return optionalMillis(window) ?? 0
  const given = attempted("getOrSet", "the function of the value", () => optionalMillis(window(value)))
  return Exit.isSuccess(given) ? (given.value ?? 0) : 0
}

/** Whether a fresh value should be refreshed now. `random` gives a number in [0, 1). */
export const isEarly = (
  earlyRefresh: EarlyRefresh,
  { cost, freshUntil, timeToLive }: Timing,
  now: number,
  random: () => number
): boolean => {
  const remaining = freshUntil - now
  if (earlyRefresh._tag === "fraction") return remaining <= timeToLive * (1 - earlyRefresh.of)
  // XFetch: the longer a lookup takes, the earlier somebody begins. The logarithm is of a number in (0, 1].
  const reach = cost * (earlyRefresh.beta ?? 1)
  return remaining <= -reach * Math.log(1 - random())
}
