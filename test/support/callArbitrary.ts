/** Generated calls of the cache's operations, with arguments that programs should not have and sometimes do. */
import { Arbitrary, Effect, Schema, Stream } from "effect"
import type { CacheError, TypedCache } from "effect-vcache"

export interface Call {
  readonly name: string
  readonly run: (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>
}

type Generated<T> = T extends Arbitrary.Arbitrary<infer A> ? A : never

const oneOf = <const T extends ReadonlyArray<unknown>>(...values: T): Arbitrary.Arbitrary<T[number]> =>
  Arbitrary.map(Arbitrary.schema(Schema.Literals(values.map((_, i) => i))), (i) => values[i])

const several = <A>(one: Arbitrary.Arbitrary<A>) => Arbitrary.array(one, { maxLength: 3 })

/** Each of them is left out now and then. */
const options = <O extends Readonly<Record<string, Arbitrary.Arbitrary<unknown>>>>(fields: O) =>
  Arbitrary.all(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        Arbitrary.flatMap(oneOf(true, false), (given) => (given ? field : oneOf(undefined)))
      ])
    ) as { [K in keyof O]: Arbitrary.Arbitrary<Generated<O[K]> | undefined> }
  )

const call = <const P extends ReadonlyArray<Arbitrary.Arbitrary<unknown>>>(
  name: string,
  parts: P,
  run: (
    cache: TypedCache<unknown>,
    ...args: { -readonly [K in keyof P]: Generated<P[K]> }
  ) => Effect.Effect<unknown, CacheError>
): Arbitrary.Arbitrary<Call> =>
  Arbitrary.map(Arbitrary.all(parts), (args): Call => ({
    name,
    run: (cache) => run(cache, ...(args as { -readonly [K in keyof P]: Generated<P[K]> }))
  }))

const key = oneOf("k", "l", "m", "k", "l", "{t}k", "", "\ud800", "*", "{", "☃", "__proto__")
const field = oneOf("f", "g", "", "\ud800", "constructor")
const glob = oneOf("*", "k*", "?", "[kl]", "", "\\k", "\ud800")
const value = oneOf(
  1,
  "x",
  null,
  [1, [2]],
  { a: 1 },
  "",
  -0,
  1.5,
  2 ** 53,
  Number.NaN,
  undefined,
  "\ud800",
  new Date(5),
  new Map(),
  10n,
  { a: undefined }
)
const number = oneOf(0, 1, -1, 2, 5, 100, -0, 1.5, 1e300, 5e-324, 2 ** 31, 2 ** 53, -(2 ** 53), Infinity, Number.NaN)
const index = oneOf(0, 1, -1, 2, -2, 100, 1.5, Infinity, Number.NaN, 2 ** 53)
const count = oneOf(0, 1, 2, 100, -1, 1.5, Number.NaN)
/** Nothing that would be over in the middle. */
const lifetime = oneOf(0, -5, 600_000, "5 minutes", Infinity, "Infinity", 1e300, 8.64e15, Number.NaN)
const version = oneOf(1, 2, 3, -1, 1.5, Number.NaN)
const flag = oneOf(true, false)
const score = oneOf(0, 1, "-inf", "+inf", { exclusive: 1 }, { exclusive: Number.NaN }, Number.NaN, 1e300)
const id = oneOf("1-1", "2", "5-1", "0-0", "-", "+", "$", ">", "*", "(1-1", "", "x", "18446744073709551615-1")
const newId = oneOf("5-*", "6-*", "9-9", "12-1", "0-0", "x")
const name = oneOf("g", "c", "", "\ud800")
const end = oneOf("left", "right")
const values = several(value)

const collected = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.map(Stream.runCollect(stream), (all) => new Set(all).size)
const sized = <A, E>(effect: Effect.Effect<Iterable<A>, E>) => Effect.map(effect, (all) => [...all].length)

const calls: ReadonlyArray<Arbitrary.Arbitrary<Call>> = [
  call("get", [key, options({ version })], (cache, ...args) => cache.get(...args)),
  call("getMany", [several(key), options({ version })], (cache, ...args) => cache.getMany(...args)),
  call(
    "set",
    [
      key,
      value,
      options({ version, timeToLive: lifetime, when: oneOf("absent", "present"), keepTtl: flag, staleFor: lifetime })
    ],
    (cache, ...args) => cache.set(...args)
  ),
  call("add", [key, value, options({ version, timeToLive: lifetime })], (cache, ...args) => cache.add(...args)),
  call(
    "getAndSet",
    [key, value, options({ version, timeToLive: lifetime, when: oneOf("absent", "present"), keepTtl: flag })],
    (cache, ...args) => cache.getAndSet(...args)
  ),
  call("getAndDelete", [key], (cache, ...args) => cache.getAndDelete(...args)),
  call("getAndTouch", [key, lifetime, options({ version })], (cache, ...args) => cache.getAndTouch(...args)),
  call("setMany", [several(Arbitrary.all([key, value])), options({ timeToLive: lifetime })], (cache, ...args) =>
    cache.setMany(...args)
  ),
  call("delete", [key, options({ version })], (cache, ...args) => cache.delete(...args)),
  call("markStale", [key, options({ version })], (cache, ...args) => cache.markStale(...args)),
  call("deleteMany", [several(key)], (cache, ...args) => cache.deleteMany(...args)),
  call("has", [key], (cache, ...args) => cache.has(...args)),
  call("incr", [key, number, options({ version, initial: number, timeToLive: lifetime })], (cache, ...args) =>
    cache.incr(...args)
  ),
  call("decr", [key, number, options({ initial: number })], (cache, ...args) => cache.decr(...args)),
  call(
    "incrBig",
    [
      key,
      oneOf(1n, -5n, 2n ** 70n, -(2n ** 63n), 0n),
      options({ version, initial: oneOf(0n, -7n, 10n ** 40n), timeToLive: lifetime })
    ],
    (cache, ...args) => cache.incrBig(...args)
  ),
  call("incrFloat", [key, number, options({ initial: number })], (cache, ...args) => cache.incrFloat(...args)),
  call("touch", [key, options({ timeToLive: lifetime })], (cache, ...args) => cache.touch(...args)),
  call("expire", [key, lifetime], (cache, ...args) => cache.expire(...args)),
  call(
    "expireAt",
    [key, oneOf(4e12, new Date(4e12), new Date(Number.NaN), Number.NaN, -1, 0, 1e300)],
    (cache, ...args) => cache.expireAt(...args)
  ),
  call(
    "set until an instant",
    [
      key,
      value,
      options({ expireAt: oneOf(4e12, new Date(4e12), Number.NaN, 0, -1, 5, 1e300, Infinity), staleFor: lifetime })
    ],
    (cache, ...args) => cache.set(...args)
  ),
  call("setMany of all or none", [several(key), value], (cache, keys, value) =>
    cache.setMany(
      keys.map((key) => [key, value] as const),
      { when: "absent" }
    )
  ),
  call("persist", [key], (cache, ...args) => cache.persist(...args)),
  call("incrVersion", [key, index, options({ version })], (cache, ...args) => cache.incrVersion(...args)),
  call("rename", [key, key, options({ overwrite: flag, fromVersion: version, toVersion: version })], (cache, ...args) =>
    cache.rename(...args)
  ),
  call("typeOf", [key], (cache, ...args) => cache.typeOf(...args)),
  call("keys", [glob], (cache, ...args) => Effect.map(cache.keys(...args), (keys) => keys.toSorted())),
  call("scan", [glob, options({ count })], (cache, ...args) => collected(cache.scan(...args))),
  call("deletePattern", [glob, options({ count })], (cache, ...args) => cache.deletePattern(...args)),
  call(
    "getOrSet",
    [
      key,
      value,
      options({ timeToLive: lifetime, staleFor: lifetime, jitter: oneOf(0, 2, Number.NaN), softTimeout: lifetime })
    ],
    (cache, key, value, options) => cache.getOrSet(key, Effect.succeed(value), options)
  ),

  call("hash.set", [key, field, value], (cache, key, ...args) => cache.hash(key).set(...args)),
  call("hash.setMany", [key, several(Arbitrary.all([field, value]))], (cache, key, ...args) =>
    cache.hash(key).setMany(...args)
  ),
  call("hash.getMany", [key, several(field)], (cache, key, ...args) => cache.hash(key).getMany(...args)),
  call("hash.delete", [key, several(field)], (cache, key, fields) => cache.hash(key).delete(...fields)),
  call("hash.incr", [key, field, number], (cache, key, ...args) => cache.hash(key).incr(...args)),
  call("hash.incrFloat", [key, field, number], (cache, key, ...args) => cache.hash(key).incrFloat(...args)),
  call("hash.scan", [key, glob, options({ count })], (cache, key, ...args) => collected(cache.hash(key).scan(...args))),

  call("list.pushRight", [key, values], (cache, key, values) => cache.list(key).pushRight(...values)),
  call("list.pushLeft", [key, values], (cache, key, values) => cache.list(key).pushLeft(...values)),
  call("list.popLeftMany", [key, count], (cache, key, ...args) => cache.list(key).popLeftMany(...args)),
  call("list.awaitRight", [key, oneOf(0, -1, Number.NaN)], (cache, key, ...args) =>
    cache.list(key).awaitRight(...args)
  ),
  call("list.range", [key, index, index], (cache, key, ...args) => cache.list(key).range(...args)),
  call("list.setAt", [key, index, value], (cache, key, ...args) => cache.list(key).setAt(...args)),
  call("list.insert", [key, oneOf("before", "after"), value, value], (cache, key, ...args) =>
    cache.list(key).insert(...args)
  ),
  call("list.remove", [key, value, index], (cache, key, ...args) => cache.list(key).remove(...args)),
  call("list.trim", [key, index, index], (cache, key, ...args) => cache.list(key).trim(...args)),
  call("list.indexesOf", [key, value, options({ rank: index, maxLength: count, count })], (cache, key, ...args) =>
    cache.list(key).indexesOf(...args)
  ),
  call("list.moveTo", [key, key, options({ from: end, to: end, version })], (cache, key, ...args) =>
    cache.list(key).moveTo(...args)
  ),

  call("unorderedSet.add", [key, values], (cache, key, values) => cache.unorderedSet(key).add(...values)),
  call("unorderedSet.remove", [key, values], (cache, key, values) => cache.unorderedSet(key).remove(...values)),
  call("unorderedSet.hasMany", [key, values], (cache, key, ...args) => cache.unorderedSet(key).hasMany(...args)),
  call("unorderedSet.popMany", [key, oneOf(0, 100, -1, 1.5, Number.NaN)], (cache, key, count) =>
    sized(cache.unorderedSet(key).popMany(count))
  ),
  call("unorderedSet.moveTo", [key, key, value], (cache, key, ...args) => cache.unorderedSet(key).moveTo(...args)),
  call("unorderedSet.union", [key, several(key)], (cache, key, others) =>
    sized(cache.unorderedSet(key).union(...others))
  ),
  call("unorderedSet.storeDifference", [key, key, several(key), options({ version })], (cache, key, ...args) =>
    cache.unorderedSet(key).storeDifference(...args)
  ),

  call("sortedSet.incrIf", [key, value, number, oneOf("absent", "present", "greater", "less")], (cache, key, ...args) =>
    cache.sortedSet(key).incrIf(...args)
  ),
  call(
    "sortedSet.add",
    [
      key,
      several(Arbitrary.all([value, number])),
      options({ when: oneOf("absent", "present", "greater", "less"), countChanged: flag })
    ],
    (cache, key, ...args) => cache.sortedSet(key).add(...args)
  ),
  call("sortedSet.incr", [key, value, number], (cache, key, ...args) => cache.sortedSet(key).incr(...args)),
  call("sortedSet.scores", [key, values], (cache, key, ...args) => cache.sortedSet(key).scores(...args)),
  call("sortedSet.rank", [key, value, options({ reverse: flag })], (cache, key, ...args) =>
    cache.sortedSet(key).rank(...args)
  ),
  call("sortedSet.range", [key, index, index, options({ reverse: flag })], (cache, key, ...args) =>
    cache.sortedSet(key).rangeWithScores(...args)
  ),
  call(
    "sortedSet.rangeByScore",
    [key, score, score, options({ reverse: flag, offset: count, count })],
    (cache, key, ...args) => cache.sortedSet(key).rangeByScore(...args)
  ),
  call("sortedSet.removeByRank", [key, index, index], (cache, key, ...args) =>
    cache.sortedSet(key).removeByRank(...args)
  ),
  call("sortedSet.removeByScore", [key, score, score], (cache, key, ...args) =>
    cache.sortedSet(key).removeByScore(...args)
  ),
  call("sortedSet.popMin", [key, count], (cache, key, ...args) => cache.sortedSet(key).popMin(...args)),

  call(
    "stream.add",
    [
      key,
      several(Arbitrary.all([field, value])),
      newId,
      options({ maxLength: count, minId: id, approximate: flag, limit: count, create: flag })
    ],
    (cache, key, fields, id, options) => cache.stream(key).add(Object.fromEntries(fields), { ...options, id })
  ),
  call("stream.range", [key, id, id, options({ count, reverse: flag })], (cache, key, ...args) =>
    cache.stream(key).range(...args)
  ),
  call("stream.trim", [key, options({ maxLength: count, minId: id, limit: count })], (cache, key, ...args) =>
    cache.stream(key).trim(...args)
  ),
  call("stream.delete", [key, several(id)], (cache, key, ids) => cache.stream(key).delete(...ids)),
  call(
    "group.create",
    [key, name, options({ from: id, createStream: flag, entriesRead: count })],
    (cache, key, group, ...args) =>
      cache
        .stream(key)
        .group(group)
        .create(...args)
  ),
  call("group.read", [key, name, name, options({ count, noAck: flag, from: id })], (cache, key, group, ...args) =>
    cache
      .stream(key)
      .group(group)
      .read(...args)
  ),
  call("group.ack", [key, name, several(id)], (cache, key, group, ids) =>
    cache
      .stream(key)
      .group(group)
      .ack(...ids)
  ),
  call(
    "group.claim",
    [key, name, name, several(id), options({ deliveries: count, force: flag })],
    (cache, key, group, consumer, ids, options) => cache.stream(key).group(group).claim(consumer, 0, ids, options)
  ),
  call("group.autoClaim", [key, name, name, options({ count, start: id })], (cache, key, group, consumer, options) =>
    cache.stream(key).group(group).autoClaim(consumer, 0, options)
  ),

  call("pipeline", [key, value, number], (cache, key, value, number) =>
    cache.pipeline((queue) => [queue.set(key, value), queue.incr(key, number, { initial: 1 }), queue.get(key)])
  ),
  call("transaction", [key, value], (cache, key, value) =>
    cache.transaction((queue) => [queue.set(key, value), queue.get(key), queue.ttl(key)])
  )
]

/** Up to 20 calls over a few keys. */
export const callSequence: Arbitrary.Arbitrary<ReadonlyArray<Call>> = Arbitrary.array(
  Arbitrary.flatMap(Arbitrary.schema(Schema.Literals(calls.map((_, i) => i))), (i) => calls[i]!),
  { minLength: 1, maxLength: 20 }
)
