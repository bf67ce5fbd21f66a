/** What a storm is made of: every way to ask for a value, each of which checks whose value it was given. */
import { Effect, Result, Stream } from "effect"
import type { CacheError, Reply, Script, TypedCache } from "effect-vcache"
import type { NamedValues } from "./NamedValues.ts"

export interface StormOperation {
  /** How often it is chosen, beside the others. */
  readonly weight: number
  /** How many deadlines of a command it may take. */
  readonly deadlines: number
  readonly run: Effect.Effect<unknown, CacheError>
}

const groups = 60
const keysOfGroup = ["a", "b", "c"] as const
const fields = ["f", "g", "h"] as const

const readOne: Script = {
  name: "storm.read",
  lua: "return {KEYS[1], server.call('GET', KEYS[1])}",
  memory: ({ call }, [key = ""]) => [key, call("GET", key)]
}

const listOf = (reply: Reply): ReadonlyArray<Reply> => (Array.isArray(reply) ? reply : [])

export const stormOperations = (
  cache: TypedCache<unknown>,
  values: NamedValues,
  writer: string,
  random: () => number = Math.random
): Readonly<Record<string, StormOperation>> => {
  const { client } = cache
  const hasRaw = client.topology !== "memory"
  /** Where iovalkey's client is that has the key. */
  const rawOf = (key: string) => client.serverOf?.(final(key)) ?? client
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!
  const group = () => Math.floor(random() * groups)
  // The keys of a group are in one slot of a cluster.
  const keyIn = (group: number, name: string = pick(keysOfGroup)) => `{${group}}:${name}`
  const anyKey = () => keyIn(group())
  const anyKeys = () => Array.from({ length: 2 + (group() % 7) }, anyKey)
  const final = (key: string) => cache.makeKey(key)
  const value = (key: string) => values.next(key, writer)

  const operation = (
    weight: number,
    make: () => Effect.Effect<unknown, CacheError>,
    deadlines = 1
  ): StormOperation => ({ weight, deadlines, run: Effect.suspend(make) })

  /** What the raw client gives is a promise, which knows no deadline of ours but the socket's. */
  const raw = (key: string, f: (raw: Effect.Success<typeof client.raw>) => PromiseLike<void>) =>
    Effect.flatMap(rawOf(key).raw, (raw) =>
      // Its own errors are its own affair.
      Effect.promise(() => Promise.resolve(f(raw)).catch(() => {}))
    )

  return {
    get: operation(8, () => {
      const key = anyKey()
      return Effect.map(cache.get(key), (seen) =>
        values.check(key, seen._tag === "Some" ? seen.value : undefined, "get")
      )
    }),
    getMany: operation(3, () => {
      const keys = anyKeys()
      return Effect.map(cache.getMany(keys), (seen) => {
        for (const key of new Set(keys)) values.check(key, seen.get(key), "getMany")
      })
    }),
    getOrSet: operation(
      2,
      () => {
        const key = anyKey()
        const lookup = Effect.andThen(
          Effect.promise(async () => {}),
          Effect.sync(() => value(key))
        )
        return Effect.map(cache.getOrSet(key, lookup), (seen) => values.check(key, seen, "getOrSet"))
      },
      3
    ),
    getAndSet: operation(1, () => {
      const key = anyKey()
      return Effect.map(cache.getAndSet(key, value(key)), (seen) =>
        values.check(key, seen._tag === "Some" ? seen.value : undefined, "getAndSet")
      )
    }),
    set: operation(5, () => {
      const key = anyKey()
      return Effect.map(cache.set(key, value(key)), (stored) => values.expect(true, stored, "set"))
    }),
    setMany: operation(1, () => {
      const keys = anyKeys()
      return cache.setMany(keys.map((key) => [key, value(key)] as const))
    }),
    delete: operation(1, () => cache.delete(anyKey())),
    incr: operation(2, () => {
      const own = group()
      const first = own * 1e9
      return Effect.map(cache.incr(keyIn(own, "counter"), 1, { initial: first }), (count) =>
        values.expect(own, Math.floor(count / 1e9), `incr of ${own}`)
      )
    }),
    hash: operation(2, () => {
      const key = keyIn(group(), "hash")
      const field = pick(fields)
      return Effect.map(cache.hash(key).get(field), (seen) =>
        values.check(`${key}.${field}`, seen._tag === "Some" ? seen.value : undefined, "hash.get")
      )
    }),
    hashAll: operation(1, () => {
      const key = keyIn(group(), "hash")
      return Effect.map(cache.hash(key).getAll, (seen) => {
        for (const [field, value] of seen) values.check(`${key}.${field}`, value, "hash.getAll")
      })
    }),
    hashSet: operation(1, () => {
      const key = keyIn(group(), "hash")
      return cache.hash(key).setMany(Object.fromEntries(fields.map((field) => [field, value(`${key}.${field}`)])))
    }),
    list: operation(
      1,
      () => {
        const key = keyIn(group(), "list")
        return Effect.map(Effect.andThen(cache.list(key).pushRight(value(key)), cache.list(key).popLeft), (seen) =>
          values.check(key, seen._tag === "Some" ? seen.value : undefined, "list.popLeft")
        )
      },
      2
    ),
    queue: operation(2, () => {
      const keys = anyKeys()
      return Effect.map(
        cache.pipeline((queue) => keys.map((key) => queue.get(key)), { mode: "result" }),
        (results) => {
          for (const [i, key] of keys.entries()) {
            const result = results[i]
            if (result !== undefined && Result.isSuccess(result))
              values.check(key, result.success._tag === "Some" ? result.success.value : undefined, "pipeline of cache")
          }
        }
      )
    }),
    send: operation(5, () => {
      const key = anyKey()
      return Effect.map(client.send("GET", [final(key)]), (seen) => values.check(key, seen, "send GET"))
    }),
    sendBytes: operation(2, () => {
      const key = anyKey()
      return Effect.map(client.send("GET", [Buffer.from(final(key))], { reply: "buffer" }), (seen) =>
        values.check(key, seen, "send GET of bytes")
      )
    }),
    mget: operation(2, () => {
      const keys = anyKeys()
      return Effect.map(client.send("MGET", keys.map(final)), (seen) =>
        values.checkEach(keys, listOf(seen), "send MGET")
      )
    }),
    echo: operation(1, () => {
      const nonce = value("echo")
      return Effect.map(client.send("ECHO", [nonce]), (seen) => values.expect(nonce, seen, "ECHO"))
    }),
    pipeline: operation(2, () => {
      const keys = anyKeys()
      return Effect.map(client.pipeline(keys.map((key) => ({ name: "GET", args: [final(key)] }))), (results) => {
        for (const [i, key] of keys.entries()) {
          const result = results[i]
          if (result !== undefined && Result.isSuccess(result)) values.check(key, result.success, "pipeline")
        }
      })
    }),
    transaction: operation(2, () => {
      const own = group()
      const keys = keysOfGroup.map((name) => keyIn(own, name))
      return Effect.map(client.transaction(keys.map((key) => ({ name: "GET", args: [final(key)] }))), (replies) =>
        values.checkEach(keys, replies, "transaction")
      )
    }),
    script: operation(2, () => {
      const key = anyKey()
      return Effect.map(client.eval(readOne, [final(key)], []), (reply) => {
        const [name, seen] = listOf(reply)
        values.expect(final(key), name, "script")
        values.check(key, seen, "script")
      })
    }),
    dedicated: operation(
      1,
      () => {
        const keys = anyKeys()
        return Effect.scoped(
          Effect.flatMap(client.dedicated, (own) =>
            Effect.forEach(
              keys,
              (key) => Effect.map(own.send("GET", [final(key)]), (seen) => values.check(key, seen, "dedicated")),
              { concurrency: "unbounded" }
            )
          )
        )
      },
      6
    ),
    ...(hasRaw
      ? {
          use: operation(
            4,
            () => {
              const key = anyKey()
              return Effect.map(
                rawOf(key).use((raw) => raw.get(final(key))),
                (seen) => values.check(key, seen, "use")
              )
            },
            2
          ),
          useSet: operation(
            1,
            () => {
              const key = anyKey()
              return rawOf(key).use((raw) => raw.set(final(key), JSON.stringify(value(key))))
            },
            2
          ),
          raw: operation(
            2,
            () => {
              const keys = anyKeys()
              return raw(keys[0]!, async (raw) => {
                // Side by side, before any has its reply.
                const seen = await Promise.all(keys.map((key) => raw.get(final(key))))
                values.checkEach(keys, seen, "raw")
              })
            },
            8
          ),
          rawPipeline: operation(
            1,
            () => {
              const own = group()
              const keys = keysOfGroup.map((name) => keyIn(own, name))
              return raw(keys[0]!, async (raw) => {
                const seen = await keys.reduce((all, key) => all.get(final(key)), raw.pipeline()).exec()
                for (const [i, key] of keys.entries()) {
                  const [error, reply] = seen?.[i] ?? [undefined, undefined]
                  if (error === null) values.check(key, reply, "raw pipeline")
                }
              })
            },
            8
          )
        }
      : {})
  }
}

/** Messages of a channel name their channel; ends never. */
export const listen = (cache: TypedCache<unknown>, values: NamedValues, channel: string): Effect.Effect<never> =>
  cache.client.subscribe(channel).pipe(
    Stream.runForEach((message) =>
      Effect.sync(() => {
        values.expect(channel, message.channel, "subscribe")
        values.check(channel, message.message, "subscribe")
      })
    ),
    Effect.ignore,
    Effect.andThen(Effect.sleep(50)),
    Effect.forever
  )

/** Whether the failure is one that callers may see while servers come and go: none says that replies were mixed up. */
export const isOrdinary = (error: CacheError): boolean => {
  switch (error._tag) {
    case "CacheConnectionError":
      return error.code !== "PROTOCOL"
    case "CacheTimeoutError":
      return true
    case "CacheServerError":
      return /^(?:LOADING|READONLY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS|EXECABORT|UNBLOCKED|NOT_PRIMARY)$/.test(
        error.code
      )
    default:
      return false
  }
}
