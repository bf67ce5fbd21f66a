/** What one process of a fleet does, for each kind of cache. */
import { Effect, Option } from "effect"
import type { TypedCache } from "../src/index.ts"
import { fleetKey, fleetKeys, product, zipf } from "./nearFleetKeys.ts"
import { proven } from "./nearContenders.ts"
import { open } from "./ours.ts"

export interface FleetMember {
  /** Stores all products, for all processes of the fleet. */
  readonly store: () => Promise<unknown>
  /** Reads all of them. */
  readonly warm: () => Promise<unknown>
  /** Reads and writes for so long, with so many writes among 1 000 operations. Resolves with how many there were. */
  readonly run: (millis: number, writes: number) => Promise<number>
}

const concurrency = 16
const prefix = "near-fleet"
const lifetime = 3_600_000

/** Whether the next operation is a write, and when it is over. */
class Course {
  operations = 0
  readonly #end: number
  readonly #writes: number

  constructor(millis: number, writes: number) {
    this.#end = performance.now() + millis
    this.#writes = writes
  }

  /** A look at the clock would cost as much as a read. */
  get goesOn(): boolean {
    return (this.operations & 31) !== 0 || performance.now() < this.#end
  }

  /** Counts it. */
  isWrite(): boolean {
    return ++this.operations % 1000 < this.#writes
  }
}

const byEffects = (
  cache: Pick<TypedCache<unknown>, "get" | "set" | "setMany">,
  seed: number,
  warm: () => Promise<unknown>
): FleetMember => {
  const next = zipf(seed)
  return {
    store: async () => {
      for (let first = 0; first < fleetKeys; first += 5000) {
        const entries = Array.from({ length: 5000 }, (_, i) => [fleetKey(first + i), product(first + i)])
        await Effect.runPromise(cache.setMany(Object.fromEntries(entries), { timeToLive: lifetime }))
      }
    },
    warm,
    run: async (millis, writes) => {
      const course = new Course(millis, writes)
      const operation = (): Effect.Effect<unknown, unknown> => {
        const i = next()
        return course.isWrite() ? cache.set(fleetKey(i), product(i), { timeToLive: lifetime }) : cache.get(fleetKey(i))
      }
      const loop = Effect.whileLoop({ while: () => course.goesOn, body: operation, step: () => {} })
      const all = Effect.forEach(Array.from({ length: concurrency }), () => loop, { concurrency, discard: true })
      await Effect.runPromise(all)
      return course.operations
    }
  }
}

const byPromises = (
  read: (key: string) => Promise<unknown>,
  write: (key: string, i: number) => Promise<unknown>,
  seed: number
): FleetMember => {
  const next = zipf(seed)
  const all = async (each: (i: number) => Promise<unknown>) => {
    let left = fleetKeys
    const loop = async () => {
      while (left-- > 0) await each(left)
    }
    await Promise.all(Array.from({ length: 64 }, loop))
  }
  return {
    store: () => all((i) => write(fleetKey(i), i)),
    warm: () => all((i) => read(fleetKey(i))),
    run: async (millis, writes) => {
      const course = new Course(millis, writes)
      const loop = async () => {
        while (course.goesOn) {
          const i = next()
          if (course.isWrite()) await write(fleetKey(i), i)
          else await read(fleetKey(i))
        }
      }
      await Promise.all(Array.from({ length: concurrency }, loop))
      return course.operations
    }
  }
}

/** What no cache can undercut: the same loop, which finds its values in a `Map` that nobody keeps true. */
export const unsharedMap = "a Map, not shared"

export const fleetMembers: Readonly<Record<string, (url: string, seed: number) => Promise<FleetMember>>> = {
  near: async (url, seed) => {
    const cache = await open(url, { options: { prefix, near: { maxEntries: 200_000, maxBytes: 2 ** 28 } } })
    await proven(cache)
    return byEffects(cache, seed, async () => {
      for (let first = 0; first < fleetKeys; first += 500) {
        await Effect.runPromise(cache.getMany(Array.from({ length: 500 }, (_, i) => fleetKey(first + i))))
      }
    })
  },
  [unsharedMap]: async (_, seed) => {
    const values = new Map<string, unknown>(
      Array.from({ length: fleetKeys }, (_, i) => [`${prefix}:${fleetKey(i)}`, product(i)] as const)
    )
    return byEffects(
      {
        get: (key) => Effect.succeed(Option.fromUndefinedOr(values.get(`${prefix}:${key}`))),
        set: (key, value) => Effect.sync(() => values.set(`${prefix}:${key}`, value) !== undefined),
        setMany: () => Effect.succeed([])
      },
      seed,
      async () => {}
    )
  },
  "without near": async (url, seed) => byEffects(await open(url, { options: { prefix } }), seed, async () => {}),
  "bentocache with L1, L2 and its bus": async (url, seed) => {
    const { makeBento } = await import("./nearRivals.ts")
    const cache = makeBento(url)
    return byPromises(
      (key) => cache.get({ key }),
      (key, i) => cache.set({ key, value: product(i), ttl: lifetime }),
      seed
    )
  },
  "node-redis with its client-side cache": async (url, seed) => {
    const { makeNodeRedis } = await import("./nearRivals.ts")
    const client = await makeNodeRedis(url)
    const expiration = { type: "PX", value: lifetime } as const
    return byPromises(
      async (key) => JSON.parse((await client.get(`redis:${key}`)) ?? ""),
      (key, i) => client.set(`redis:${key}`, JSON.stringify(product(i)), { expiration }),
      seed
    )
  }
}
