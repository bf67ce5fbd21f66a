/** Whoever else writes: growing numbers, in every way, two within a moment, after which the key rests. */
import { Effect, type Scope, Semaphore } from "effect"
import type { Dice } from "../Dice.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"
import { pause } from "../pause.ts"
import { Columns, nothing, now, type ProcessHistory, writeWidth } from "./History.ts"
import { keyName } from "./reader.ts"

type Ask = (name: string, ...args: ReadonlyArray<string | number>) => Effect.Effect<unknown>

export class Writer {
  readonly #writes = new Columns(writeWidth)
  readonly #prefix: string
  readonly #dice: Dice
  readonly #restsUntil = new Map<number, number>()
  readonly #rest: number
  /** One change after the other. */
  readonly #turn = Semaphore.makeUnsafe(1)
  #ask: Ask
  #version = 0

  private constructor(ask: Ask, { dice, maxStaleness, prefix }: WriterOptions) {
    this.#ask = ask
    this.#prefix = prefix
    this.#dice = dice
    // The next write would hide that one was missed.
    this.#rest = 3 * maxStaleness
  }

  static readonly over = (server: ValkeyServer, options: WriterOptions): Effect.Effect<Writer, never, Scope.Scope> =>
    Effect.map(server.session, (ask) => new Writer(ask, options))

  /** Writes go to another server from now on. */
  readonly moveTo = (server: ValkeyServer): Effect.Effect<void, never, Scope.Scope> =>
    Effect.map(server.session, (ask) => void (this.#ask = ask))

  get history(): ProcessHistory {
    return {
      name: "writer",
      reads: new Float64Array(0),
      writes: this.#writes.take(),
      near: 0,
      failed: 0,
      different: []
    }
  }

  /** Two changes of a key that has rested. */
  readonly change = (keys: ReadonlyArray<number>): Effect.Effect<void> =>
    this.#turn.withPermits(1)(
      Effect.suspend(() => {
        const instant = performance.now()
        const rested = keys.filter((key) => (this.#restsUntil.get(key) ?? 0) < instant)
        if (rested.length === 0) return Effect.void
        const key = this.#dice.pick(rested)
        this.#restsUntil.set(key, instant + this.#rest)
        return Effect.andThen(
          this.#one(key),
          Effect.andThen(
            pause(this.#dice.below(4)),
            Effect.suspend(() => this.#one(key))
          )
        )
      })
    )

  /** All keys once, and soon after all of them are gone. */
  readonly flush = (keys: ReadonlyArray<number>, between: Effect.Effect<void>): Effect.Effect<void> =>
    this.#turn.withPermits(1)(
      Effect.gen({ self: this }, function* () {
        yield* Effect.forEach(keys, (key) => this.#put(key), { discard: true })
        yield* between
        const start = now()
        yield* this.#ask("FLUSHALL")
        this.#writes.add(-1, nothing, start, now(), 0)
        const rested = performance.now() + this.#rest
        for (const key of keys) this.#restsUntil.set(key, rested)
      })
    )

  #one(key: number): Effect.Effect<void> {
    const roll = this.#dice.next()
    const final = this.#final(key)
    if (roll < 0.12) return this.#note(key, nothing, 0, this.#ask("DEL", final))
    if (roll < 0.3) {
      const lifetime = 50 + this.#dice.below(600)
      const value = ++this.#version
      return this.#note(key, value, lifetime, this.#ask("SET", final, value, "PX", lifetime))
    }
    return this.#put(key)
  }

  #put(key: number): Effect.Effect<void> {
    const value = ++this.#version
    const final = this.#final(key)
    const roll = this.#dice.next()
    const write =
      roll < 0.4
        ? this.#ask("SET", final, value)
        : roll < 0.6
          ? this.#ask("MSET", final, value, `${final}:beside`, 1)
          : roll < 0.8
            ? this.#ask("EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, final, value)
            : Effect.andThen(this.#ask("SET", `${final}:aside`, value), this.#ask("RENAME", `${final}:aside`, final))
    return this.#note(key, value, 0, write)
  }

  #note(key: number, value: number, lifetime: number, write: Effect.Effect<unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const start = now()
      return Effect.map(write, () => this.#writes.add(key, value, start, now(), lifetime))
    })
  }

  #final(key: number): string {
    return `${this.#prefix}:1:${keyName(key)}`
  }
}

export interface WriterOptions {
  readonly prefix: string
  readonly dice: Dice
  /** Milliseconds. */
  readonly maxStaleness: number
}
