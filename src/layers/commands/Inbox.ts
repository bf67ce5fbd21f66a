/** Messages of a subscription that its reader has not taken yet. */
import { Cause, Effect, Queue, Stream } from "effect"
import { CacheConnectionError, type CommandError } from "../../schema/CacheError.ts"
import type { Message } from "../../services/ValkeyClient.ts"

/** Messages that may wait for a slow reader. One more and the subscription fails, because dropping them would be silent. */
const maxWaiting = 16_384

export class Inbox {
  readonly #queue: Queue.Queue<Message, CommandError | Cause.Done>
  readonly #operation: string

  private constructor(queue: Queue.Queue<Message, CommandError | Cause.Done>, operation: string) {
    this.#queue = queue
    this.#operation = operation
  }

  static readonly make = (operation: string): Effect.Effect<Inbox> =>
    Effect.map(Queue.unbounded<Message, CommandError | Cause.Done>(), (queue) => new Inbox(queue, operation))

  get messages(): Stream.Stream<Message, CommandError> {
    return Stream.fromQueue(this.#queue)
  }

  /** Returns why the subscription has to end, where it does. */
  give(message: Message): CommandError | undefined {
    if (Queue.sizeUnsafe(this.#queue) >= maxWaiting) return overflow(this.#operation)
    Queue.offerUnsafe(this.#queue, message)
    return undefined
  }

  /** After the messages that wait. */
  fail(error: CommandError): void {
    Queue.failCauseUnsafe(this.#queue, Cause.fail(error))
  }

  /** Nobody reads on. */
  end(): void {
    Queue.endUnsafe(this.#queue)
  }
}

const overflow = (operation: string) =>
  new CacheConnectionError({ operation, phase: "lost", code: "OVERFLOW", mayHaveExecuted: false })
