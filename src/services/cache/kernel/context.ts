/** What the operations of one cache have in common: its client, settings and codec, and how arguments are checked. */
import { type Duration, Effect, Exit, Option, Random, type Scope } from "effect"
import type { CommandError, CacheInputError, CacheError } from "../../../schema/CacheError.ts"
import { type CacheOptions, optionsRefusal, type ViewSettings } from "../../../schema/CacheOptions.ts"
import { attempted, refused } from "../../../schema/failures.ts"
import { keyHead, keyRefusal, maxKeyBytes } from "../../../schema/key.ts"
import type { LookupDefaults } from "../../../schema/LookupDefaults.ts"
import { isReserved, reservedLead, wakeUpChannel } from "../../../schema/reservedKeys.ts"
import { toMillis, withJitter } from "../../../schema/timeToLive.ts"
import type { ValueCodec } from "../../../schema/ValueCodec.ts"
import type { ComposedPolicy, Observe, Operation, Tally } from "../../CachePolicy.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { SendOptions, ValkeyClientShape } from "../../ValkeyClient.ts"
import type { NearCache } from "../near/NearCache.ts"
import { NearView } from "../near/NearView.ts"
import { Tags } from "../tags/Tags.ts"
import type { CacheMetrics } from "./metrics.ts"
import { NearTags } from "./NearTags.ts"
import { makeToken } from "./token.ts"
import type { Unstorable } from "./Unstorable.ts"

/** Lookups that are under way, for those who write: what such a lookup gives may be older than what is there now. */
export interface InFlight {
  readonly outdate: (finalKey: string) => void
  readonly outdateAll: () => void
}

/** What all views of one cache share. */
export interface CacheCore {
  readonly client: ValkeyClientShape
  /** Sends at once, also where `client` queues. */
  readonly direct: ValkeyClientShape
  readonly policy: ComposedPolicy | undefined
  readonly near: NearCache | undefined
  readonly inFlight: InFlight
  /** When the first steps of an operation are taken: as it runs, or in a queue as it is queued. */
  readonly begin: <A, E, R>(operation: () => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Where work goes on that nobody waits for. */
  readonly scope: Scope.Scope
  readonly metrics: CacheMetrics
  readonly unstorable: Unstorable
}

/** An operation on a structure, declared where it stands: its name, and what it gives as if the cache were empty. */
export type StructureOperation = <B, E extends CacheError, R>(
  operation: string,
  neutral: B,
  effect: (name: string, final: string) => Effect.Effect<B, E, R>,
  tally?: (result: B) => Tally
) => Effect.Effect<B, E | CommandError, R>

export interface CacheContext<A, RD, RE> extends Omit<CacheCore, "near"> {
  /** What is near, for readers of this codec; undefined where the server is to be asked. */
  readonly near: NearView<A, RD> | undefined
  readonly options: CacheOptions
  readonly codec: ValueCodec<A, RD, RE>
  /** The tags of this prefix. */
  readonly tags: Tags
  /** The same by what is near; where nothing is, the server is asked. */
  readonly nearTags: NearTags | undefined
  /** Of commands that give values. */
  readonly readOptions: SendOptions | undefined
  /** The cache's own lifetime in milliseconds, its jitter, and what its lookups do where that is something. */
  readonly defaults: {
    readonly timeToLive: number
    readonly jitter: number
    readonly lookup: LookupDefaults | undefined
  }
  /** The policy, for what an operation does in parts. */
  readonly guard: <B, E extends CacheError, R>(
    operation: Operation<B>,
    effect: Effect.Effect<B, E, R>
  ) => Effect.Effect<B, E | CommandError, R>
  /** The policies that a near value passes. */
  readonly guardNear: CacheContext<A, RD, RE>["guard"]
  /** For those of the policies that only observe. */
  readonly observe: Observe
  /** How the operations of a structure of that kind are declared and run. */
  readonly structure: (kind: string, key: string, options: KeyOptions) => StructureOperation
  /** The checked final key. */
  readonly finalKey: (operation: string, key: string, options?: KeyOptions) => Exit.Exit<string, CacheInputError>
  /** The final key without a look at whether the key is a good one, which nothing is kept of otherwise; undefined where `finalKey` has to look. */
  readonly uncheckedFinal: (key: string, options?: KeyOptions) => string | undefined
  /** Where those who wait for locks and permits hear of them. */
  readonly channel: (options: KeyOptions) => string
  /** The version that the call means. */
  readonly version: (operation: string, options?: KeyOptions) => Exit.Exit<number, CacheInputError>
  /** Milliseconds, with the cache's default and jitter; `Infinity` = never expires, 0 = at once. */
  readonly lifetime: (
    operation: string,
    timeToLive: Duration.Input | undefined
  ) => Effect.Effect<number, CacheInputError>
  /** Before a write: lookups for the key that are under way give what is older. */
  readonly writing: <B, E, R>(final: string, write: Effect.Effect<B, E, R>) => Effect.Effect<B, E, R>
}

export const makeContext = <A, RD, RE>(
  core: CacheCore,
  options: ViewSettings,
  codec: ValueCodec<A, RD, RE>
): CacheContext<A, RD, RE> => {
  const { jitter, keyFunction, prefix } = options
  const { begin, inFlight, policy } = core
  const refusal = optionsRefusal(options)
  const defaultMillis = toMillis(options.timeToLive) ?? 0

  const version: CacheContext<A, RD, RE>["version"] = (operation, keyOptions) => {
    if (refusal !== undefined) return refused(operation, refusal)
    const version = keyOptions?.version ?? options.version
    return Number.isSafeInteger(version) ? Exit.succeed(version) : refused(operation, "version must be a safe integer")
  }

  // What the default key function puts before every key of the cache's own version.
  const head = refusal === undefined ? keyHead(keyFunction, prefix, options.version) : undefined
  // With that in front a good key of fewer characters is a good final key.
  const longKey = maxKeyBytes / 3 - (head?.length ?? 0)

  const tags = new Tags(core.direct, prefix, makeToken, options.tags)
  const nearCache = options.near === false ? undefined : core.near
  const context: CacheContext<A, RD, RE> = {
    ...core,
    options,
    codec,
    tags,
    nearTags: nearCache && new NearTags(nearCache, tags, prefix),
    readOptions: codec.reply === "utf8" ? undefined : { reply: codec.reply },
    version,
    defaults: {
      timeToLive: defaultMillis,
      jitter,
      lookup: refusal !== undefined || Object.keys(options.lookup).length === 0 ? undefined : options.lookup
    },
    near: nearCache && new NearView(nearCache, codec, head),
    guard: policy ?? unguarded,
    guardNear: policy?.forNear ?? unguarded,
    observe: policy?.observe ?? ((_, __, effect) => effect),
    structure: (kind, key, keyOptions) => (operation, neutral, effect, tally) => {
      const name = `${kind}.${operation}`
      const run = begin(() =>
        Effect.flatMapEager(context.finalKey(name, key, keyOptions), (final) => effect(name, final))
      )
      return policy === undefined ? run : policy({ name, key, neutral: Option.some(neutral), tally }, run)
    },
    uncheckedFinal: (key, keyOptions) =>
      head !== undefined && keyOptions?.version === undefined && typeof key === "string" ? head + key : undefined,
    finalKey: (operation, key, keyOptions) => {
      const reason = refusal ?? keyRefusal(key)
      if (reason !== undefined) return refused(operation, reason)
      if (head !== undefined && keyOptions?.version === undefined) {
        return key.length < longKey ? Exit.succeed(head + key) : checkedFinal(operation, head + key)
      }
      const checked = version(operation, keyOptions)
      if (!Exit.isSuccess(checked)) return Exit.failCause(checked.cause)
      const made = attempted(operation, "the key function", () =>
        keyFunction.make({ prefix, version: checked.value, key })
      )
      return Exit.isSuccess(made) ? checkedFinal(operation, made.value) : made
    },
    channel: ({ version = options.version }) => keyFunction.make({ prefix, version, key: wakeUpChannel }),
    lifetime: (operation, timeToLive) => {
      const millis = timeToLive === undefined ? defaultMillis : toMillis(timeToLive)
      if (millis === undefined) return refused(operation, "timeToLive is not a duration")
      if (jitter === 0) return Exit.succeed(millis)
      return Effect.map(Random.next, (random) => withJitter(millis, jitter, random))
    },
    writing: (final, write) =>
      begin(() => {
        inFlight.outdate(final)
        return write
      })
  }
  return context
}

const unguarded = <A>(_: unknown, effect: A): A => effect

const checkedFinal = (operation: string, final: string): Exit.Exit<string, CacheInputError> => {
  const reason =
    keyRefusal(final) ?? (isReserved(final) ? `a key must not begin with ${JSON.stringify(reservedLead)}` : undefined)
  return reason === undefined ? Exit.succeed(final) : refused(operation, `after prefix and version: ${reason}`)
}
