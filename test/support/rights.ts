/** What each operation asks a server for, as access control lists name it. */
import { Effect, Exit, Fiber, Option, Redacted, Schema, Scope, Stream } from "effect"
import {
  CacheService,
  CacheUnsupportedError,
  Cipher,
  type HeldLease,
  SessionStore,
  type TypedCache,
  type ValkeyClientShape
} from "effect-vcache"
import type { Arg } from "../../src/schema/Command.ts"
import { rowOf } from "../../src/layers/commands/commandTable.ts"
import { until } from "./until.ts"
import { type OperationName, operations, structureOperations } from "./operations.ts"

/** `prepared`: the same cache with all rights, for what has to be there before. */
type Call = (cache: TypedCache<unknown>, prepared: TypedCache<unknown>) => Effect.Effect<unknown, unknown>

/** One call of each operation of a kind, by what the documentation calls it. */
export type Kind = Readonly<Record<string, Call>>

const aclName = (name: string, args: ReadonlyArray<Arg>): string =>
  (rowOf(name, args).name || name).toLowerCase().replace(" ", "|")

/** A client that notes which commands it is given, those of scripts among them. */
export const noting = (client: ValkeyClientShape, noted: Set<string>): ValkeyClientShape => {
  const note = (name: string, args: ReadonlyArray<Arg>) => {
    noted.add(aclName(name, args))
    if (name === "EVAL") noteScript(String(args[0]))
  }
  const noteScript = (lua: string) => {
    for (const [, name = ""] of lua.matchAll(/redis\.p?call\('(\w+)'/g)) noted.add(name.toLowerCase())
  }
  /** What a cluster cannot execute in one place is done otherwise. */
  const unlessUnsent = <A, E, R>(
    name: string,
    args: ReadonlyArray<Arg>,
    sent: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> => {
    note(name, args)
    return Effect.tapError(sent, (error) =>
      Effect.sync(() => error instanceof CacheUnsupportedError && noted.delete(aclName(name, args)))
    )
  }
  const noteAll = (commands: ReadonlyArray<{ readonly name: string; readonly args: ReadonlyArray<Arg> }>) =>
    commands.forEach(({ args, name }) => note(name, args))
  const scan =
    <A>(scan: (options: Parameters<ValkeyClientShape["scan"]>[0]) => A) =>
    (options: Parameters<ValkeyClientShape["scan"]>[0]): A => {
      noted.add("scan")
      return scan(options)
    }
  return {
    ...client,
    send: (name, args, options) => {
      return unlessUnsent(name, args, client.send(name, args, options))
    },
    request: (name, args, use, options) => {
      return unlessUnsent(name, args, client.request(name, args, use, options))
    },
    pipeline: (commands) => {
      noteAll(commands)
      return client.pipeline(commands)
    },
    transaction: (commands) => {
      noteAll([{ name: "MULTI", args: [] }, ...commands, { name: "EXEC", args: [] }])
      return client.transaction(commands)
    },
    tracked: (keys, options) => {
      const isMany = options?.many === true || keys.length > 1
      for (const name of [isMany ? "mget" : "get", "pttl", ...(options?.era === true ? ["info"] : [])]) noted.add(name)
      return client.tracked(keys, options)
    },
    eval: (script, keys, args) => {
      for (const name of ["evalsha", "eval"]) noted.add(name)
      noteScript(script.lua)
      return client.eval(script, keys, args)
    },
    scan: scan(client.scan),
    scanBinary: scan(client.scanBinary),
    scanPage: (cursor, options) => scan(() => client.scanPage(cursor, options))(options),
    sendToEach: (name, args, options) => {
      note(name, args)
      return client.sendToEach(name, args, options)
    },
    slowLog: (options) => {
      noted.add("slowlog|get")
      return client.slowLog(options)
    },
    subscription: (channels, options) => {
      noted.add("subscribe")
      return client.subscription(channels, options)
    },
    dedicated: Effect.map(client.dedicated, (own) => ({
      send: (name, args, options) => {
        note(name, args)
        return own.send(name, args, options)
      },
      pipeline: (commands) => {
        noteAll(commands)
        return own.pipeline(commands)
      }
    }))
  }
}

const plain = (...names: ReadonlyArray<OperationName>): Kind =>
  Object.fromEntries(names.map((name) => [`\`${name}\``, operations[name].call]))

const structure = (kind: string): Kind =>
  Object.fromEntries(
    structureOperations
      .filter(({ name }) => name.slice(0, name.lastIndexOf(".")) === kind)
      .map(({ call, name }) => [`\`${name.slice(kind.length + 1)}\``, call])
  )

const encrypted = (cache: TypedCache<unknown>) =>
  cache.withOptions({ cipher: Cipher.aes256gcm([Redacted.make(new Uint8Array(32))]) })

/** What becomes another command where the keys are in different slots of a cluster. */
export const moves: Kind = {
  "`rename`, `incrVersion` and `decrVersion`": (cache, prepared) =>
    Effect.andThen(prepared.set("k", 1), operations.incrVersion.call(cache))
}

/** Waits for what another holds, until that one knows that it is waited for. */
const contended = (
  prepared: TypedCache<unknown>,
  hold: Effect.Effect<unknown, unknown, Scope.Scope>,
  call: Effect.Effect<unknown, unknown>
) =>
  Effect.gen(function* () {
    const held = yield* Scope.make()
    yield* Scope.provide(hold, held)
    const waiting = yield* Effect.forkChild(call)
    const listeners = prepared.client.send("PUBSUB", ["NUMSUB", prepared.makeKey("wake-ups")])
    yield* until("somebody who waits", listeners, (reply) => Array.isArray(reply) && reply[1] === 1)
    yield* Scope.close(held, Exit.void)
    yield* Fiber.join(waiting)
  })

/** A store of sessions, with one in it. */
const session = (
  cache: TypedCache<unknown>,
  plain: TypedCache<unknown>,
  use: (store: SessionStore.SessionStoreShape<string>, id: Redacted.Redacted) => Effect.Effect<unknown, unknown>
) => {
  const over = (cache: TypedCache<unknown>) =>
    Effect.provideService(SessionStore.make({ data: Schema.String }), CacheService, cache)
  return Effect.flatMap(Effect.all([over(cache), over(plain)]), ([store, prepared]) =>
    Effect.flatMap(prepared.create("data"), ({ id }) => use(store, id))
  )
}

const extended = ({ extend }: HeldLease) => extend("1 second")

const after = (before: Effect.Effect<unknown, unknown>, call: Effect.Effect<unknown, unknown>) =>
  Effect.andThen(before, call)

export const kinds: Readonly<Record<string, Kind>> = {
  Values: {
    ...plain("get", "set", "add", "getAndSet", "getAndDelete", "getAndTouch", "delete", "markStale", "has", "typeOf"),
    "`set` and `getAndSet` with `keepTtl`": (cache) => cache.set("k", 1, { keepTtl: true }),
    "`set` with a lifetime of 0": (cache) => cache.set("k", 1, { timeToLive: 0 }),
    "`add` where the key exists": (cache, prepared) => after(prepared.set("k", 1), cache.add("k", 2))
  },
  Batches: {
    ...plain("getMany", "setMany", "deleteMany"),
    '`setMany` with `when: "absent"`': (cache) => cache.setMany({ k: 1 }, { when: "absent" }),
    "the same over values": (cache, prepared) =>
      after(
        prepared.set("k", 1, { tags: ["t"] }),
        after(prepared.invalidateTags(["t"]), cache.setMany({ k: 2 }, { when: "absent" }))
      )
  },
  Tags: {
    ...plain("invalidateTags", "tagSnapshot", "tagsOf"),
    "`invalidateTags` with `replicas`": (cache) => cache.invalidateTags(["t"], { replicas: 1, waitFor: 1 }),
    "`set` with `tags`": (cache) => cache.set("k", 1, { tags: ["t"] }),
    "`get` of a value with tags": (cache, prepared) => after(prepared.set("k", 1, { tags: ["t"] }), cache.get("k"))
  },
  "Compare-and-set": {
    ...plain("update", "setIf"),
    "the same over a value": (cache, prepared) =>
      after(
        prepared.set("k", 1),
        cache.update("k", () => Option.some(2))
      )
  },
  Counters: {
    ...plain("incr", "decr", "incrBig", "incrFloat"),
    "`incrBig` beyond 64 bits": (cache, prepared) =>
      after(prepared.incrBig("k", 0n, { initial: 2n ** 62n }), cache.incrBig("k", 2n ** 62n))
  },
  Lifetimes: {
    ...plain("touch", "expire", "expireAt", "persist", "expireTime", "ttl"),
    "`touch` for ever": (cache) => cache.touch("k", { timeToLive: "Infinity" })
  },
  Lookups: {
    ...plain("getOrSet", "getOrSetDetailed", "getOrSetMany", "refresh"),
    '`getOrSet` with `singleFlight: "cluster"`': (cache) =>
      cache.getOrSet("k", Effect.succeed(1), { singleFlight: "cluster" }),
    "`getOrSet` with `tags`": (cache) => cache.getOrSet("k", Effect.succeed(1), { tags: ["t"] })
  },
  "Key space": {
    ...plain("keys", "scan", "scanPage", "flushAll", "memoryUsage"),
    "`largestKeys`": (cache, prepared) => after(prepared.set("k", 1), cache.largestKeys()),
    ...Object.fromEntries(
      (["deletePattern", "clear", "clearAllVersions"] as const).map((name) => [
        `\`${name}\``,
        (cache, prepared) => after(prepared.set("k", 1), operations[name].call(cache))
      ])
    ),
    ...moves,
    "`rename` with `overwrite: false`": (cache, prepared) =>
      after(prepared.set("k", 1), cache.rename("k", "l", { overwrite: false })),
    "the same of encrypted values": (cache, prepared) =>
      after(encrypted(prepared).set("k", 1), encrypted(cache).rename("k", "l"))
  },
  Hash: structure("hash"),
  List: {
    ...structure("list"),
    "`awaitLeft` and `awaitRight` that wait": (cache, prepared) => {
      const { awaitLeft, awaitRight } = cache.list("l")
      const pushed = Effect.delay(prepared.list("l").pushLeft(1, 2), "50 millis")
      return Effect.all([awaitLeft("5 seconds"), awaitRight("5 seconds"), pushed], { concurrency: 3 })
    },
    "`moveTo` with `timeout`": (cache) => cache.list("l").moveTo("t", { timeout: 10 })
  },
  "Several lists": {
    ...structure("lists"),
    // What comes to those who have given up goes back.
    "`pop` with `timeout`": (cache, prepared) => {
      const given = (from: "left" | "right") => {
        const givenUp = Effect.timeoutOption(cache.lists(["l"]).pop({ from, timeout: "1 minute" }), 20)
        return after(givenUp, after(prepared.list("l").pushLeft(1), after(Effect.sleep(50), prepared.delete("l"))))
      }
      return after(given("left"), after(given("right"), cache.lists(["l"]).pop({ timeout: 10 })))
    }
  },
  "Unordered set": structure("unorderedSet"),
  "Sorted set": {
    ...structure("sortedSet"),
    "`rank` with `reverse`": (cache) => cache.sortedSet("z").rank(1, { reverse: true })
  },
  Stream: {
    ...structure("stream"),
    "`range` with `reverse`": (cache) => cache.stream("x").range("-", "+", { reverse: true }),
    // The operation begins and is given up; here it is given something.
    "`follow`": (cache, prepared) => {
      const added = Effect.delay(prepared.stream("x").add({ f: 1 }), "50 millis")
      const seen = Stream.runDrain(Stream.take(cache.stream("x").follow(), 1))
      return Effect.all([seen, added], { concurrency: 2 })
    }
  },
  "Several streams": {
    ...structure("streams"),
    "`follow`": (cache, prepared) => {
      const added = Effect.delay(prepared.stream("x").add({ f: 1 }), "50 millis")
      const seen = Stream.runDrain(Stream.take(cache.streams(["x"]).follow(), 1))
      return Effect.all([seen, added], { concurrency: 2 })
    }
  },
  "Group of consumers": {
    ...structure("stream.group"),
    "`consume`": (cache, prepared) => {
      const seen = Stream.runDrain(Stream.take(cache.stream("x").group("g").consume("c"), 1))
      const { add, group } = prepared.stream("x")
      return after(group("g").create(), after(add({ f: 1 }), seen))
    }
  },
  Locks: {
    "`acquire`, `withLock`": (cache) => cache.lock("k").withLock(extended),
    "the same with `wait`": (cache, prepared) =>
      contended(prepared, prepared.lock("k").acquire, cache.lock("k", { wait: "20 seconds" }).withLock(extended)),
    "`restore`": (cache, prepared) => {
      const handed = Effect.scoped(Effect.flatMap(prepared.lock("k").acquire, ({ handOver }) => handOver))
      return Effect.flatMap(handed, (token) => Effect.scoped(cache.lock("k").restore(token)))
    },
    "`forceRelease`": (cache) => cache.lock("k").forceRelease,
    "`isLocked`": (cache) => cache.lock("k").isLocked
  },
  Semaphores: {
    "`acquire`, `withPermits`": (cache) =>
      Effect.scoped(Effect.flatMap(cache.semaphore("k", { permits: 1 }).acquire(1), extended)),
    "the same with `wait`": (cache, prepared) =>
      contended(
        prepared,
        prepared.semaphore("k", { permits: 1 }).acquire(1),
        Effect.scoped(Effect.flatMap(cache.semaphore("k", { permits: 1, wait: "20 seconds" }).acquire(1), extended))
      ),
    "`available`": (cache) => cache.semaphore("k", { permits: 1 }).available
  },
  Sessions: {
    "`create`": (cache, prepared) => session(cache, prepared, (store) => store.create("more")),
    "`load`": (cache, prepared) => session(cache, prepared, (store, id) => store.load(id)),
    "`save`": (cache, prepared) => session(cache, prepared, (store, id) => store.save(id, "other")),
    "`touch`": (cache, prepared) => session(cache, prepared, (store, id) => store.touch(id)),
    "`cycle`": (cache, prepared) => session(cache, prepared, (store, id) => store.cycle(id)),
    "`destroy`": (cache, prepared) => session(cache, prepared, (store, id) => store.destroy(id))
  },
  Transactions: { "`transaction` of a `has`": (cache) => cache.transaction((queue) => [queue.has("k")]) }
}

/** Names as the documentation writes them. */
export const written = (names: Iterable<string>): string =>
  [...names]
    .toSorted()
    .map((name) => name.toUpperCase().replace("|", " "))
    .join(", ")

/** What the documentation says of these kinds, one item each: operations with the same needs stand together. */
export const documented = (
  needs: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>
): ReadonlyArray<string> =>
  [...needs].map(([kind, calls]) => {
    const groups = Map.groupBy(calls, ([, names]) => written(names))
    return `${kind}: ${[...groups].map(([names, calls]) => `${calls.map(([label]) => label).join(", ")}: ${names}`).join("; ")}.`
  })
