/** Who waits for a list or a stream to have something, in the order in which they came. */
import type { Reply } from "../../schema/Command.ts"
import type { CommandContext } from "./kernel/CommandContext.ts"
import { type Call, runCommand } from "./interpreter.ts"
import { ServerReply } from "./store/ServerReply.ts"

export interface Waiter {
  readonly call: Call
  /** Told once, with what the command gave. */
  readonly served: (reply: Reply) => void
  /** Or why it never will give anything. */
  readonly failed: (error: ServerReply) => void
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
    if (this.#waiters.size === 0) return
    for (const waiter of this.#waiters) {
      if (!attempt(context, waiter)) continue
      this.#waiters.delete(waiter)
      return this.serve(context)
    }
  }
}

/** Whether it has been told something. Of another type under the key it is not told, of its group's end it is. */
const attempt = (context: CommandContext, { call, failed, served }: Waiter): boolean => {
  try {
    const reply = runCommand(context, call)
    if (reply === null) return false
    served(reply)
    return true
  } catch (error) {
    if (!(error instanceof ServerReply)) throw error
    if (call.row.name !== "XREADGROUP") return false
    failed(error)
    return true
  }
}
