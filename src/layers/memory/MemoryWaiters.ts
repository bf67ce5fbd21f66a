/** Who waits for a list to have something, in the order in which they came. */
import type { Reply } from "../../schema/Command.ts"
import type { CommandContext } from "./command.ts"
import { type Call, runCommand } from "./interpreter.ts"
import { ServerReply } from "./ServerReply.ts"

export interface Waiter {
  readonly call: Call
  /** Told once, with what the command gave. */
  readonly served: (reply: Reply) => void
}

export class MemoryWaiters {
  readonly #waiters = new Set<Waiter>()

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
  }

  delete(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** After a command. One that is served may give another something. */
  serve(context: CommandContext): void {
    for (const waiter of this.#waiters) {
      const reply = attempt(context, waiter.call)
      if (reply === null) continue
      this.#waiters.delete(waiter)
      waiter.served(reply)
      return this.serve(context)
    }
  }
}

/** Who waits is not told of another type under the key. */
const attempt = (context: CommandContext, call: Call): Reply => {
  try {
    return runCommand(context, call)
  } catch (error) {
    if (error instanceof ServerReply) return null
    throw error
  }
}
