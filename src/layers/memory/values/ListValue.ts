/** What a list holds. */
import { stringBytes, type StringValue } from "./StringValue.ts"

export class ListValue {
  readonly items: Array<StringValue> = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.items.length === 0
  }

  /** Replaces some items by others, as an array's `splice` does; what went. */
  splice(start: number, count: number, ...items: ReadonlyArray<StringValue>): ReadonlyArray<StringValue> {
    const gone = this.items.splice(start, count, ...items)
    for (const item of items) this.#bytes += stringBytes(item)
    for (const item of gone) this.#bytes -= stringBytes(item)
    return gone
  }

  copy(): ListValue {
    const copy = new ListValue()
    for (const item of this.items) copy.splice(copy.items.length, 0, item)
    return copy
  }
}
