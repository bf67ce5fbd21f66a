/** The connections of one client that follow the primaries, whatever each of them is for. */
import type { Link } from "./Link.ts"

export class Connections {
  readonly #open = new Set<Link>()

  get size(): number {
    return this.#open.size
  }

  opened(link: Link): void {
    this.#open.add(link)
  }

  closed(link: Link): void {
    this.#open.delete(link)
  }

  /**
   * Closes every connection to a server that has been replaced, at once: what such a server still receives is done by
   * nobody, and what it still says is of the past.
   */
  leave(isReplaced: (node: string) => boolean, code: string, message: string): void {
    for (const link of this.#open) {
      if (link.node !== undefined && isReplaced(link.node)) link.leave(code, message)
    }
  }
}
