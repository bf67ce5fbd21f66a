/** What each server said last of whether it announces changes, for who comes later. */
import type { Invalidation } from "../../schema/Invalidation.ts"

export class Announced {
  readonly #servers = new Map<string | undefined, ReadonlyArray<Invalidation>>()

  clear(): void {
    this.#servers.clear()
  }

  note(event: Invalidation): void {
    switch (event._tag) {
      case "Live":
        this.#servers.delete(undefined)
        this.#servers.set(event.server, [event])
        return
      case "Proof": {
        const [live] = this.#servers.get(event.server) ?? []
        if (live?._tag === "Live") this.#servers.set(event.server, [live, event])
        return
      }
      case "Down":
        if (event.server === undefined) this.#servers.clear()
        if (event.cause === "left") this.#servers.delete(event.server)
        else this.#servers.set(event.server, [event])
    }
  }

  tell(onEvent: (event: Invalidation) => void): void {
    for (const events of this.#servers.values()) for (const event of events) onEvent(event)
  }
}
