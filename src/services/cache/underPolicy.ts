/** Each operation's declaration: its name, its key, what it gives as if the cache were empty, what it says for metrics. */
import { Effect, Option } from "effect"
import type { CachePolicyShape } from "../CachePolicy.ts"
import type { BigCounterOptions, CacheCounters, CounterOptions } from "../operations/CacheCounters.ts"
import type { CacheBatches } from "../operations/CacheBatches.ts"
import type { CacheKeySpace, KeySize, KeysPage } from "../operations/CacheKeySpace.ts"
import type { CacheLifetimes } from "../operations/CacheLifetimes.ts"
import type { CacheValues } from "../operations/CacheValues.ts"
import { entriesIn } from "./kernel/batches.ts"
import { declare, declareRead, declareWrite, hitOrMiss } from "./kernel/declare.ts"
import type { TagOperations } from "./values/tagOperations.ts"
import { pagesUnderPolicy } from "./kernel/pagesUnderPolicy.ts"

/** What passes the policy as a whole. Lookups pass it in parts, between which the lookup runs; structures where they are made. */
interface Operations<A, RD, RE>
  extends
    CacheValues<A, RD, RE>,
    CacheBatches<A, RD, RE>,
    CacheCounters,
    CacheLifetimes,
    CacheKeySpace,
    TagOperations {}

const lastPage: KeysPage = { keys: [], cursor: Option.none() }

export const underPolicy = <A, RD, RE>(
  policy: CachePolicyShape | undefined,
  cache: Operations<A, RD, RE>
): Operations<A, RD, RE> => {
  if (policy === undefined) return cache
  return {
    get: (key, options) => policy(declareRead("get", key), cache.get(key, options)),
    getMany: (keys, options) =>
      Effect.suspend(() => {
        const all = [...keys]
        const tally = ({ size }: ReadonlyMap<string, A>) => ({ hits: size, misses: new Set(all).size - size })
        return policy({ ...declare("getMany", undefined, new Map<string, A>()), tally }, cache.getMany(all, options))
      }),
    set: (key, value, options) => policy(declareWrite("set", key), cache.set(key, value, options)),
    getAndSet: (key, value, options) =>
      policy(
        { ...declareRead<A>("getAndSet", key), tally: (found) => ({ ...hitOrMiss(found), stores: 1 }) },
        cache.getAndSet(key, value, options)
      ),
    getAndDelete: (key, options) => policy(declareRead("getAndDelete", key), cache.getAndDelete(key, options)),
    getAndTouch: (key, timeToLive, options) =>
      policy(declareRead("getAndTouch", key), cache.getAndTouch(key, timeToLive, options)),
    add: (key, value, options) => policy(declareWrite("add", key), cache.add(key, value, options)),
    setMany: (entries, options) =>
      Effect.suspend(() => {
        const all = entriesIn(entries)
        const tally = (failed: ReadonlyArray<string>) => ({
          stores: options?.when === "absent" && failed.length > 0 ? 0 : all.size - failed.length
        })
        return policy({ ...declare("setMany", undefined, [...all.keys()]), tally }, cache.setMany(all, options))
      }),
    delete: (key, options) => policy(declare("delete", key, false), cache.delete(key, options)),
    markStale: (key, options) => policy(declare("markStale", key, false), cache.markStale(key, options)),
    deleteMany: (keys, options) => policy(declare("deleteMany", undefined, 0), cache.deleteMany(keys, options)),
    has: (key, options) => policy(declare("has", key, false), cache.has(key, options)),
    incr: (key, delta, options) =>
      policy(declare("incr", key, counted(delta ?? 1, options)), cache.incr(key, delta, options)),
    decr: (key, delta, options) =>
      policy(declare("decr", key, counted(-(delta ?? 1), options)), cache.decr(key, delta, options)),
    incrBig: (key, delta, options) =>
      policy(declare("incrBig", key, countedBig(delta ?? 1n, options)), cache.incrBig(key, delta, options)),
    incrFloat: (key, delta, options) =>
      policy(declare("incrFloat", key, counted(delta, options)), cache.incrFloat(key, delta, options)),
    touch: (key, options) => policy(declare("touch", key, false), cache.touch(key, options)),
    expire: (key, timeToLive, options) => policy(declare("expire", key, false), cache.expire(key, timeToLive, options)),
    expireAt: (key, instant, options) => policy(declare("expireAt", key, false), cache.expireAt(key, instant, options)),
    persist: (key, options) => policy(declare("persist", key, false), cache.persist(key, options)),
    expireTime: (key, options) => policy(declare("expireTime", key, Option.none()), cache.expireTime(key, options)),
    ttl: (key, options) => policy(declare("ttl", key, Option.none()), cache.ttl(key, options)),
    incrVersion: (key, delta, options) =>
      policy(declare("incrVersion", key, 0), cache.incrVersion(key, delta, options)),
    decrVersion: (key, delta, options) =>
      policy(declare("decrVersion", key, 0), cache.decrVersion(key, delta, options)),
    rename: (from, to, options) => policy(declare("rename", from, false), cache.rename(from, to, options)),
    typeOf: (key, options) => policy(declare("typeOf", key, Option.none()), cache.typeOf(key, options)),
    keys: (pattern, options) =>
      policy(declare<ReadonlyArray<string>>("keys", undefined, []), cache.keys(pattern, options)),
    scan: (pattern, options) => pagesUnderPolicy(policy, "scan", cache.scan(pattern, options)),
    scanPage: (pattern, options) =>
      policy(declare<KeysPage>("scanPage", undefined, lastPage), cache.scanPage(pattern, options)),
    memoryUsage: (key, options) => policy(declare("memoryUsage", key, Option.none()), cache.memoryUsage(key, options)),
    largestKeys: (options) =>
      policy(declare<ReadonlyArray<KeySize>>("largestKeys", undefined, []), cache.largestKeys(options)),
    deletePattern: (pattern, options) =>
      policy(declare("deletePattern", undefined, 0), cache.deletePattern(pattern, options)),
    clear: policy(declare("clear", undefined, 0), cache.clear),
    clearAllVersions: policy(declare("clearAllVersions", undefined, 0), cache.clearAllVersions),
    // Nobody may take for forgotten what is not, and for a snapshot what is none.
    invalidateTags: (tags, options) =>
      policy({ ...pretendsNothing("invalidateTags"), disabled: nothingHeld }, cache.invalidateTags(tags, options)),
    tagSnapshot: (tags) =>
      policy(
        { ...pretendsNothing("tagSnapshot"), disabled: Option.some({ ...noSnapshot, tags: [...tags] }) },
        cache.tagSnapshot(tags)
      ),
    tagsOf: (key, options) => policy(declare("tagsOf", key, Option.none()), cache.tagsOf(key, options)),
    flushAll: policy(declare<void>("flushAll", undefined, undefined), cache.flushAll)
  }
}

/** What a cache does not hold it has forgotten. */
const nothingHeld = Option.some(Infinity)

/** With which nothing is stored. */
const noSnapshot = { tokens: new Map<string, string>(), ledger: "", era: "" }

const pretendsNothing = (name: string) => ({ name, key: undefined, neutral: Option.none() })

/** In an empty cache a counter starts from `initial`; without one there is nothing to count. */
const counted = (delta: number, options: CounterOptions | undefined): number =>
  options?.initial === undefined ? 0 : options.initial + delta

/** What is no bigint is refused before the neutral result is asked for. */
const countedBig = (delta: bigint, { initial }: BigCounterOptions = {}): bigint =>
  typeof initial === "bigint" && typeof delta === "bigint" ? initial + delta : 0n
