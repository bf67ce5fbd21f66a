/** Every operation there is: one call of each, and what it gives as if the cache were empty. The compiler knows if one is missing. */
import { Duration, Effect, Option, Stream } from "effect"
import {
  type CommandError,
  type CacheHash,
  type CacheList,
  type CacheLists,
  CacheMissError,
  CacheServerError,
  CacheUnsupportedError,
  type CacheSession,
  type CacheSet,
  type CacheSortedSet,
  type CacheStream,
  type CacheStreamGroup,
  type CacheStreams,
  type TypedCache,
  type ValueError
} from "effect-vcache"

/** Queues of operations, which pass in parts or as a whole. */
type QueueName = "pipeline" | "transaction"

/** The members of the service that are operations: effects, functions that give effects or streams, that can fail as caches do. */
export type OperationName = Exclude<OperationOrQueue, QueueName>
type OperationOrQueue = {
  readonly [K in keyof TypedCache<unknown>]: TypedCache<unknown>[K] extends
    | Effect.Effect<infer _A, infer E>
    | ((...args: ReadonlyArray<never>) => Effect.Effect<infer _B, infer E> | Stream.Stream<infer _C, infer E>)
    ? CommandError extends E
      ? K
      : never
    : never
}[keyof TypedCache<unknown>]

/** The operations of a structure. */
type OperationsOf<S> = {
  readonly [K in keyof S]: {
    /** One call of it. */
    readonly call: (structure: S) => Effect.Effect<unknown, unknown>
    /** What it gives as if the cache were empty. */
    readonly neutral: unknown
  }
}

/** Of a server that has no lifetimes of fields. */
const orTooOld = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.catchIf(
    effect,
    (error) => error instanceof CacheUnsupportedError && /Valkey 9/.test(error.reason),
    () => Effect.void
  )

const ofHash: OperationsOf<CacheHash<unknown>> = {
  set: { call: (hash) => hash.set("f", 1), neutral: false },
  setMany: { call: (hash) => hash.setMany({ f: 1 }), neutral: 0 },
  setIfAbsent: { call: (hash) => hash.setIfAbsent("f", 1), neutral: false },
  get: { call: (hash) => hash.get("f"), neutral: Option.none() },
  getMany: { call: (hash) => hash.getMany(["f"]), neutral: new Map() },
  getAll: { call: (hash) => hash.getAll, neutral: new Map() },
  delete: { call: (hash) => hash.delete("f"), neutral: 0 },
  has: { call: (hash) => hash.has("f"), neutral: false },
  size: { call: (hash) => hash.size, neutral: 0 },
  fields: { call: (hash) => hash.fields, neutral: [] },
  values: { call: (hash) => hash.values, neutral: [] },
  incr: { call: (hash) => hash.incr("f"), neutral: 0 },
  incrFloat: { call: (hash) => hash.incrFloat("f", 1), neutral: 0 },
  expireFields: { call: (hash) => orTooOld(hash.expireFields(["f"], "1 minute")), neutral: 0 },
  persistFields: { call: (hash) => orTooOld(hash.persistFields(["f"])), neutral: 0 },
  fieldTtls: { call: (hash) => orTooOld(hash.fieldTtls(["f"])), neutral: new Map() },
  getAndTouch: { call: (hash) => orTooOld(hash.getAndTouch(["f"], "1 minute")), neutral: new Map() },
  setExpiring: { call: (hash) => orTooOld(hash.setExpiring({ f: 1 }, "1 minute")), neutral: false },
  scan: { call: (hash) => Stream.runCollect(hash.scan()), neutral: [] },
  scanPage: { call: (hash) => hash.scanPage(), neutral: { items: [], cursor: Option.none() } }
}

const ofSet: OperationsOf<CacheSet<unknown>> = {
  add: { call: (set) => set.add(1), neutral: 0 },
  remove: { call: (set) => set.remove(1), neutral: 0 },
  has: { call: (set) => set.has(1), neutral: false },
  hasMany: { call: (set) => set.hasMany([1]), neutral: [] },
  members: { call: (set) => set.members, neutral: [] },
  size: { call: (set) => set.size, neutral: 0 },
  pop: { call: (set) => set.pop, neutral: Option.none() },
  popMany: { call: (set) => set.popMany(2), neutral: [] },
  random: { call: (set) => set.random, neutral: Option.none() },
  randomMany: { call: (set) => set.randomMany(2), neutral: [] },
  moveTo: { call: (set) => set.moveTo("t", 1), neutral: false },
  union: { call: (set) => set.union("t"), neutral: [] },
  intersection: { call: (set) => set.intersection("t"), neutral: [] },
  difference: { call: (set) => set.difference("t"), neutral: [] },
  storeUnion: { call: (set) => set.storeUnion("t", ["u"]), neutral: 0 },
  storeIntersection: { call: (set) => set.storeIntersection("t", ["u"]), neutral: 0 },
  storeDifference: { call: (set) => set.storeDifference("t", ["u"]), neutral: 0 },
  scan: { call: (set) => Stream.runCollect(set.scan()), neutral: [] },
  scanPage: { call: (set) => set.scanPage(), neutral: { items: [], cursor: Option.none() } }
}

const ofSortedSet: OperationsOf<CacheSortedSet<unknown>> = {
  add: { call: (set) => set.add([[1, 1]]), neutral: 0 },
  incr: { call: (set) => set.incr(1, 1), neutral: 0 },
  incrIf: { call: (set) => set.incrIf(1, 1, "greater"), neutral: Option.none() },
  score: { call: (set) => set.score(1), neutral: Option.none() },
  scores: { call: (set) => set.scores([1]), neutral: [] },
  rank: { call: (set) => set.rank(1), neutral: Option.none() },
  range: { call: (set) => set.range(), neutral: [] },
  rangeWithScores: { call: (set) => set.rangeWithScores(), neutral: [] },
  rangeByScore: { call: (set) => set.rangeByScore(0, 1), neutral: [] },
  countByScore: { call: (set) => set.countByScore(0, 1), neutral: 0 },
  remove: { call: (set) => set.remove(1), neutral: 0 },
  removeByRank: { call: (set) => set.removeByRank(0, 1), neutral: 0 },
  removeByScore: { call: (set) => set.removeByScore(0, 1), neutral: 0 },
  popMin: { call: (set) => set.popMin(), neutral: [] },
  popMax: { call: (set) => set.popMax(2), neutral: [] },
  size: { call: (set) => set.size, neutral: 0 },
  scan: { call: (set) => Stream.runCollect(set.scan()), neutral: [] },
  scanPage: { call: (set) => set.scanPage(), neutral: { items: [], cursor: Option.none() } }
}

const ofList: OperationsOf<CacheList<unknown>> = {
  pushLeft: { call: (list) => list.pushLeft(1), neutral: 0 },
  pushRight: { call: (list) => list.pushRight(1), neutral: 0 },
  popLeft: { call: (list) => list.popLeft, neutral: Option.none() },
  popRight: { call: (list) => list.popRight, neutral: Option.none() },
  popLeftMany: { call: (list) => list.popLeftMany(1), neutral: [] },
  popRightMany: { call: (list) => list.popRightMany(1), neutral: [] },
  awaitLeft: { call: (list) => list.awaitLeft(0), neutral: Option.none() },
  awaitRight: { call: (list) => list.awaitRight(0), neutral: Option.none() },
  range: { call: (list) => list.range(), neutral: [] },
  at: { call: (list) => list.at(0), neutral: Option.none() },
  setAt: {
    call: (list) => Effect.catchTag(list.setAt(0, 1), "CacheServerError", () => Effect.void),
    neutral: undefined
  },
  insert: { call: (list) => list.insert("before", 1, 2), neutral: Option.none() },
  remove: { call: (list) => list.remove(1), neutral: 0 },
  trim: { call: (list) => list.trim(0, 1), neutral: undefined },
  indexOf: { call: (list) => list.indexOf(1), neutral: Option.none() },
  indexesOf: { call: (list) => list.indexesOf(1), neutral: [] },
  moveTo: { call: (list) => list.moveTo("t"), neutral: Option.none() },
  size: { call: (list) => list.size, neutral: 0 }
}

const ofLists: OperationsOf<CacheLists<unknown>> = {
  pop: { call: (lists) => lists.pop({ count: 2 }), neutral: Option.none() }
}

/** In an empty store there is no group to ask. */
const orRefused = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.catchIf(
    effect,
    (error) => error instanceof CacheServerError || error instanceof CacheMissError,
    () => Effect.void
  )

/** Those that wait for ever, until they wait. */
const begun = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.raceFirst(Stream.runCollect(stream), Effect.succeed<ReadonlyArray<A>>([]))

const noFacts = {
  length: 0,
  lastGeneratedId: "0-0",
  maxDeletedEntryId: "0-0",
  entriesAdded: 0,
  firstEntryId: "0-0"
}

const ofStream: OperationsOf<Omit<CacheStream<unknown>, "group">> = {
  add: { call: (stream) => stream.add({ f: 1 }), neutral: Option.none() },
  size: { call: (stream) => stream.size, neutral: 0 },
  range: { call: (stream) => stream.range(), neutral: [] },
  trim: { call: (stream) => stream.trim({ maxLength: 1 }), neutral: 0 },
  delete: { call: (stream) => stream.delete("1-1"), neutral: 0 },
  read: { call: (stream) => stream.read(), neutral: { entries: [], next: "$" } },
  follow: { call: (stream) => begun(stream.follow()), neutral: [] },
  details: { call: (stream) => orRefused(stream.details()), neutral: { ...noFacts, entries: [], groups: [] } },
  info: { call: (stream) => orRefused(stream.info), neutral: { ...noFacts, groups: 0 } },
  groups: { call: (stream) => stream.groups, neutral: [] }
}

const ofStreams: OperationsOf<CacheStreams<unknown>> = {
  read: {
    call: (streams) => streams.read({ after: { "{x}1": "0" } }),
    neutral: { entries: [], next: { "{x}1": "0" } }
  },
  follow: { call: (streams) => begun(streams.follow()), neutral: [] }
}

const ofGroup: OperationsOf<CacheStreamGroup<unknown>> = {
  create: { call: (group) => group.create(), neutral: false },
  destroy: { call: (group) => group.destroy, neutral: false },
  setId: { call: (group) => orRefused(group.setId("$")), neutral: undefined },
  removeConsumer: { call: (group) => orRefused(group.removeConsumer("c")), neutral: 0 },
  read: { call: (group) => orRefused(group.read("c")), neutral: [] },
  consume: { call: (group) => orRefused(begun(group.consume("c"))), neutral: [] },
  ack: { call: (group) => group.ack("1-1"), neutral: 0 },
  pending: { call: (group) => orRefused(group.pending()), neutral: [] },
  pendingSummary: {
    call: (group) => orRefused(group.pendingSummary),
    neutral: { count: 0, firstId: Option.none(), lastId: Option.none(), consumers: new Map() }
  },
  consumers: { call: (group) => orRefused(group.consumers), neutral: [] },
  claim: { call: (group) => orRefused(group.claim("c", 0, ["1-1"])), neutral: [] },
  claimIds: { call: (group) => orRefused(group.claimIds("c", 0, ["1-1"])), neutral: [] },
  autoClaim: {
    call: (group) => orRefused(group.autoClaim("c", 0)),
    neutral: { next: "0-0", entries: [], deleted: [] }
  },
  autoClaimIds: {
    call: (group) => orRefused(group.autoClaimIds("c", 0)),
    neutral: { next: "0-0", ids: [], deleted: [] }
  }
}

const structuresOf = <S>(kind: string, operations: OperationsOf<S>, open: (cache: TypedCache<unknown>) => S) =>
  Object.entries<OperationsOf<S>[keyof S]>(operations).map(([name, { call, neutral }]) => ({
    name: `${kind}.${name}`,
    neutral,
    call: (cache: TypedCache<unknown>) => call(open(cache))
  }))

export const structureOperations = [
  ...structuresOf("hash", ofHash, (cache) => cache.hash("h")),
  ...structuresOf("list", ofList, (cache) => cache.list("l")),
  ...structuresOf("lists", ofLists, (cache) => cache.lists(["{l}1", "{l}2"])),
  ...structuresOf("unorderedSet", ofSet, (cache) => cache.unorderedSet("s")),
  ...structuresOf("sortedSet", ofSortedSet, (cache) => cache.sortedSet("z")),
  ...structuresOf("stream", ofStream, (cache) => cache.stream("x")),
  ...structuresOf("streams", ofStreams, (cache) => cache.streams(["{x}1", "{x}2"])),
  ...structuresOf("stream.group", ofGroup, (cache) => cache.stream("x").group("g"))
]

const ofSession: {
  readonly [K in keyof CacheSession<unknown>]: (session: CacheSession<unknown>) => Effect.Effect<unknown, ValueError>
} = {
  create: (session) => session.create(1, "1 minute"),
  find: (session) => session.find("keep"),
  save: (session) => session.save(1, "1 minute"),
  update: (session) => session.update(Effect.succeed, "keep"),
  touch: (session) => session.touch("1 minute"),
  destroy: (session) => session.destroy,
  move: (session) => session.move("t", "keep", "1 minute")
}

/** Those of sessions, of which only `find` has a neutral result. */
export const sessionOperations = Object.entries(ofSession).map(([name, call]) => ({
  name: `session.${name}`,
  call: (cache: TypedCache<unknown>) => call(cache.session("s"))
}))

/** In place of a neutral result: the operation pretends nothing, and fails. */
export const pretendsNothing: unique symbol = Symbol("pretends nothing")

/** One call of each, and what it gives as if the cache were empty. */
export const operations: {
  readonly [K in OperationName]: {
    readonly call: (cache: TypedCache<unknown>) => Effect.Effect<unknown, unknown>
    readonly neutral: unknown
  }
} = {
  get: { call: (cache) => cache.get("k"), neutral: Option.none() },
  getMany: { call: (cache) => cache.getMany(["k", "l"]), neutral: new Map() },
  set: { call: (cache) => cache.set("k", 1), neutral: false },
  getAndSet: { call: (cache) => cache.getAndSet("k", 1), neutral: Option.none() },
  getAndDelete: { call: (cache) => cache.getAndDelete("k"), neutral: Option.none() },
  getAndTouch: { call: (cache) => cache.getAndTouch("k", "1 minute"), neutral: Option.none() },
  add: { call: (cache) => cache.add("k", 1), neutral: false },
  setMany: { call: (cache) => cache.setMany({ k: 1, l: 2 }), neutral: ["k", "l"] },
  delete: { call: (cache) => cache.delete("k"), neutral: false },
  deleteMany: { call: (cache) => cache.deleteMany(["k"]), neutral: 0 },
  markStale: { call: (cache) => cache.markStale("k"), neutral: false },
  update: { call: (cache) => cache.update("k", () => Option.some(1)), neutral: pretendsNothing },
  setIf: { call: (cache) => cache.setIf("k", Option.none(), 1), neutral: false },
  has: { call: (cache) => cache.has("k"), neutral: false },
  incr: { call: (cache) => cache.incr("k"), neutral: 0 },
  decr: { call: (cache) => cache.decr("k", 1, { initial: 5 }), neutral: 4 },
  incrBig: { call: (cache) => cache.incrBig("k"), neutral: 0n },
  incrFloat: { call: (cache) => cache.incrFloat("k", 1), neutral: 0 },
  touch: { call: (cache) => cache.touch("k"), neutral: false },
  expire: { call: (cache) => cache.expire("k", 5), neutral: false },
  expireAt: { call: (cache) => cache.expireAt("k", 5), neutral: false },
  persist: { call: (cache) => cache.persist("k"), neutral: false },
  expireTime: { call: (cache) => cache.expireTime("k"), neutral: Option.none() },
  ttl: { call: (cache) => cache.ttl("k"), neutral: Option.none() },
  getOrSet: { call: (cache) => cache.getOrSet("k", Effect.succeed(1)), neutral: 1 },
  getOrSetDetailed: {
    call: (cache) => cache.getOrSetDetailed("k", Effect.succeed(1)),
    neutral: { value: 1, source: "lookup", isStale: false, age: Option.some(Duration.zero), isRefreshing: false }
  },
  getOrSetMany: {
    call: (cache) => cache.getOrSetMany(["k"], (keys) => Effect.succeed(keys.map((key) => [key, 1] as const))),
    neutral: new Map([["k", 1]])
  },
  refresh: { call: (cache) => cache.refresh("k", Effect.succeed(1)), neutral: 1 },
  incrVersion: { call: (cache) => cache.incrVersion("k"), neutral: 0 },
  decrVersion: { call: (cache) => cache.decrVersion("k"), neutral: 0 },
  rename: { call: (cache) => cache.rename("k", "l"), neutral: false },
  typeOf: { call: (cache) => cache.typeOf("k"), neutral: Option.none() },
  invalidateTags: { call: (cache) => cache.invalidateTags(["t"]), neutral: pretendsNothing },
  tagSnapshot: { call: (cache) => cache.tagSnapshot(["t"]), neutral: pretendsNothing },
  tagsOf: { call: (cache) => cache.tagsOf("k"), neutral: Option.none() },
  keys: { call: (cache) => cache.keys(), neutral: [] },
  scan: { call: (cache) => Stream.runCollect(cache.scan()), neutral: [] },
  scanPage: { call: (cache) => cache.scanPage(), neutral: { keys: [], cursor: Option.none() } },
  memoryUsage: { call: (cache) => cache.memoryUsage("k"), neutral: Option.none() },
  largestKeys: { call: (cache) => cache.largestKeys(), neutral: [] },
  deletePattern: { call: (cache) => cache.deletePattern("*"), neutral: 0 },
  clear: { call: (cache) => cache.clear, neutral: 0 },
  clearAllVersions: { call: (cache) => cache.clearAllVersions, neutral: 0 },
  flushAll: { call: (cache) => cache.flushAll, neutral: undefined }
}
