/**
 * `Effect.withFiber` of a read of a key, without a closure for each: where the value is near, making that would be a good part of
 * what the read costs.
 */
import { type Effect, Effectable, type Fiber, type Inspectable } from "effect"
import type { ReadOptions } from "../operations/KeyOptions.ts"

export type Read<A, E, R> = (
  key: string,
  options: ReadOptions | undefined,
  caller: Fiber.Fiber<unknown, unknown>
) => Effect.Effect<A, E, R>

export class KeyRead<A, E, R> implements Effect.Effect<A, E, R> {
  readonly #read: Read<A, E, R>
  readonly #key: string
  readonly #options: ReadOptions | undefined

  constructor(read: Read<A, E, R>, key: string, options: ReadOptions | undefined) {
    this.#read = read
    this.#key = key
    this.#options = options
  }

  // What every effect has: `Effectable.Class` has it, too, but costs more to extend, and is not told of the fiber.
  declare readonly [Effect.TypeId]: Effect.Variance<A, E, R>
  declare readonly [Symbol.iterator]: Effect.Effect<A, E, R>[typeof Symbol.iterator]
  declare readonly pipe: Effect.Effect<A, E, R>["pipe"]
  declare readonly toString: () => string
  declare readonly toJSON: () => unknown
  declare readonly [Inspectable.NodeInspectSymbol]: () => unknown

  static {
    const effect = Effectable.Prototype<KeyRead<unknown, unknown, unknown>>({
      label: "KeyRead",
      evaluate(caller) {
        return this.#read(this.#key, this.#options, caller)
      }
    })
    Object.setPrototypeOf(KeyRead.prototype, effect)
  }
}
