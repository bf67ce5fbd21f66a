/** Whoever else writes: growing numbers, in every way, two within a moment, after which the key rests. */
import { Effect, Exit, Semaphore } from "effect"
import type { Dice } from "../Dice.ts"
import { pause } from "../pause.ts"
import { Columns, nothing, now, type ProcessHistory, writeWidth } from "./History.ts"
import { finalName } from "./keys.ts"
import type { Site } from "./Site.ts"

export interface WriterOptions {
  readonly site: Pick<Site, "ask">
  readonly dice: Dice
  /** Milliseconds. */
  readonly maxStaleness: number
}

export class Writer {
  readonly #writes = new Columns(writeWidth)
  readonly #site: Pick<Site, "ask">
  readonly #dice: Dice
  readonly #restsUntil = new Map<number, number>()
  readonly #rest: number
  /** One change after the other. */
  readonly #turn = Semaphore.makeUnsafe(1)
  #version = 0

  constructor({ dice, maxStaleness, site }: WriterOptions) {
    this.#site = site
    this.#dice = dice
    // The next write would hide that one was missed.
    this.#rest = 3 * maxStaleness
  }

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

  /** It writes nothing meanwhile. */
  readonly alone = <A>(effect: Effect.Effect<A>): Effect.Effect<A> => this.#turn.withPermits(1)(effect)

  /** Two changes of a key that has rested. */
  readonly change = (keys: ReadonlyArray<number>): Effect.Effect<void> => this.alone(this.changeNow(keys))

  /** For whoever has the turn. */
  readonly changeNow = (keys: ReadonlyArray<number>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const instant = performance.now()
      const rested = keys.filter((key) => (this.#restsUntil.get(key) ?? 0) < instant)
      if (rested.length === 0) return Effect.void
      const key = this.#dice.pick(rested)
      const second = Effect.suspend(() => this.#one(key))
      return Effect.ensuring(
        Effect.andThen(this.#one(key), Effect.andThen(pause(this.#dice.below(4)), second)),
        Effect.sync(() => this.#restsUntil.set(key, performance.now() + this.#rest))
      )
    })

  /** All keys once, and soon after all of them are gone. */
  readonly flush = (
    keys: ReadonlyArray<number>,
    between: Effect.Effect<void>,
    flush: Effect.Effect<unknown>
  ): Effect.Effect<void> =>
    this.alone(
      Effect.gen({ self: this }, function* () {
        yield* Effect.forEach(keys, (key) => this.#put(key), { discard: true })
        yield* between
        yield* this.#note(-1, nothing, 0, flush)
        const rested = performance.now() + this.#rest
        for (const key of keys) this.#restsUntil.set(key, rested)
      })
    )

  /** The server itself has removed the key, between these instants. */
  gone(final: string, start: number): void {
    const key = Number(/:k(\d+)$/.exec(final)?.[1] ?? Number.NaN)
    if (!Number.isNaN(key)) this.#writes.add(key, nothing, start, now(), 0)
  }

  #one(key: number): Effect.Effect<void> {
    const roll = this.#dice.next()
    const final = finalName(key)
    if (roll < 0.12) return this.#note(key, nothing, 0, this.#site.ask(final, "DEL", final))
    if (roll < 0.3) {
      const lifetime = 50 + this.#dice.below(600)
      const value = ++this.#version
      return this.#note(key, value, lifetime, this.#site.ask(final, "SET", final, value, "PX", lifetime))
    }
    return this.#put(key)
  }

  #put(key: number): Effect.Effect<void> {
    const { ask } = this.#site
    const value = ++this.#version
    const final = finalName(key)
    const [beside, aside] = [`{${final}}:beside`, `{${final}}:aside`]
    const roll = this.#dice.next()
    const write =
      roll < 0.4
        ? ask(final, "SET", final, value)
        : roll < 0.6
          ? ask(final, "MSET", final, value, beside, 1)
          : roll < 0.8
            ? ask(final, "EVAL", "return redis.call('SET', KEYS[1], ARGV[1])", 1, final, value)
            : Effect.andThen(ask(final, "SET", aside, value), ask(final, "RENAME", aside, final))
    return this.#note(key, value, 0, write)
  }

  #note(key: number, value: number, lifetime: number, write: Effect.Effect<unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const start = now()
      return Effect.map(Effect.exit(write), (exit) =>
        // Of one that failed nobody knows when it was executed, or whether.
        this.#writes.add(key, value, start, Exit.isSuccess(exit) ? now() : Infinity, lifetime)
      )
    })
  }
}
