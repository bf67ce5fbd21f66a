/** A set of keys, of which some may be bytes that are no text. */
import { isUtf8 } from "node:buffer"
import type { WireArg } from "../../schema/Command.ts"

export class KeySet {
  readonly #texts = new Set<string>()
  readonly #bytes = new Map<string, Buffer>()

  get size(): number {
    return this.#texts.size + this.#bytes.size
  }

  add(key: WireArg): void {
    if (typeof key === "string") this.#texts.add(key)
    else if (isUtf8(key)) this.#texts.add(key.toString())
    else this.#bytes.set(key.toString("latin1"), key)
  }

  clear(): void {
    this.#texts.clear()
    this.#bytes.clear()
  }

  all(): ReadonlyArray<WireArg> {
    return [...this.#texts, ...this.#bytes.values()]
  }
}
