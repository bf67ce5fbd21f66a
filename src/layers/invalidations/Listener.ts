/** One that is told of changes, of its own keys alone. What it throws concerns nobody else. */
import type { Invalidation } from "../../schema/Invalidation.ts"
import { isUnder } from "./prefixes.ts"

export type OnEvent = (event: Invalidation) => void

export class Listener {
  readonly prefixes: ReadonlyArray<string>
  readonly #onEvent: OnEvent

  constructor(prefixes: ReadonlyArray<string>, onEvent: OnEvent) {
    this.prefixes = prefixes
    this.#onEvent = onEvent
  }

  hear(event: Invalidation): void {
    if (event._tag !== "Keys") return this.#call(event)
    const keys = event.keys.filter((key) => isUnder(this.prefixes, key))
    if (keys.length === event.keys.length) this.#call(event)
    else if (keys.length > 0) this.#call({ ...event, keys })
  }

  #call(event: Invalidation): void {
    try {
      this.#onEvent(event)
    } catch (defect) {
      // Of one listener, and nothing to do with the others or with the connection.
      process.nextTick(() => {
        throw defect
      })
    }
  }
}
