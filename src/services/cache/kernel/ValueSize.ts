/** How many values fit in a reply. */
import { maxBytes, maxItems } from "./batches.ts"

/** Guesses how large values are, so that a reply of many stays near 1 MB. */
export class ValueSize {
  #average = 1024

  observe(values: number, bytes: number): void {
    if (values > 0) this.#average = Math.max(this.#average * 0.9, bytes / values)
  }

  get perReply(): number {
    return Math.max(1, Math.min(maxItems, Math.floor(maxBytes / this.#average)))
  }
}
