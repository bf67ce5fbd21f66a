/** Where and when a command of the memory store runs. */
import { Clock, type Fiber, Random } from "effect"
import type { MemoryAnnouncer } from "./MemoryAnnouncer.ts"
import type { MemoryPubSub } from "./MemoryPubSub.ts"
import type { MemoryStore } from "../store/MemoryStore.ts"

/** The store, and the caller's time and chance. */
export class CommandContext {
  readonly store: MemoryStore
  readonly pubSub: MemoryPubSub
  readonly announcer: MemoryAnnouncer
  readonly clock: Clock.Clock
  /** Milliseconds since 1970, the same for a whole transaction or script. */
  readonly now: number
  readonly #caller: Fiber.Fiber<unknown, unknown>

  constructor(
    store: MemoryStore,
    pubSub: MemoryPubSub,
    announcer: MemoryAnnouncer,
    caller: Fiber.Fiber<unknown, unknown>
  ) {
    this.store = store
    this.pubSub = pubSub
    this.announcer = announcer
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
