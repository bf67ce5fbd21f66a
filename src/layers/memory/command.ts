/** What a command of the memory store is: how many arguments it takes, and what it does with them. */
import { Clock, type Fiber, Random } from "effect"
import type { Reply, WireArg } from "../../schema/Command.ts"
import type { MemoryPubSub } from "./MemoryPubSub.ts"
import type { MemoryStore } from "./store/MemoryStore.ts"

/** Where and when a command runs: the store, and the caller's time and chance. */
export class CommandContext {
  readonly store: MemoryStore
  readonly pubSub: MemoryPubSub
  readonly clock: Clock.Clock
  /** Milliseconds since 1970, the same for a whole transaction or script. */
  readonly now: number
  readonly #caller: Fiber.Fiber<unknown, unknown>

  constructor(store: MemoryStore, pubSub: MemoryPubSub, caller: Fiber.Fiber<unknown, unknown>) {
    this.store = store
    this.pubSub = pubSub
    this.clock = caller.getRef(Clock.Clock)
    // A test clock may stand between two milliseconds.
    this.now = Math.floor(this.clock.currentTimeMillisUnsafe())
    this.#caller = caller
  }

  /** The next number in [0, 1). */
  random(): number {
    return this.#caller.getRef(Random.Random).nextDoubleUnsafe()
  }
}

export interface MemoryCommand {
  readonly least: number
  readonly most: number
  readonly run: (context: CommandContext, args: ReadonlyArray<WireArg>) => Reply
}

export type CommandTable = Readonly<Record<string, MemoryCommand>>

/** Exactly `count` arguments. */
export const exactly = (count: number, run: MemoryCommand["run"]): MemoryCommand => ({ least: count, most: count, run })

/** `least` arguments or more. */
export const atLeast = (least: number, run: MemoryCommand["run"]): MemoryCommand => ({ least, most: Infinity, run })
