/** Where the answers came from: product by product, and all together. */
import type { LookupResult } from "effect-vcache"
import { type Product, products } from "./products.ts"

/** In the order in which they are worth showing, when visitors were answered differently within one look. */
const places = ["near", "server", "stale", "database"] as const
export type Place = (typeof places)[number]

export interface Shown extends Product {
  /** Null where nobody has asked for it since the last look. */
  readonly place: Place | null
}

export interface Sources {
  readonly shelf: ReadonlyArray<Shown>
  /** How many answers came from this process, were stale, and had to be looked up. */
  readonly near: number
  readonly stale: number
  readonly lookups: number
}

export class Shelf {
  readonly #prices = products.map(({ price }) => price)
  #ranks = products.map(() => -1)
  #counts = { near: 0, stale: 0, lookups: 0 }

  note({ isStale, source, value: { id, price } }: LookupResult<Product>): void {
    const place: Place = isStale ? "stale" : source === "lookup" ? "database" : source
    this.#prices[id] = price
    this.#ranks[id] = Math.max(this.#ranks[id] ?? -1, places.indexOf(place))
    if (source === "near") this.#counts.near++
    if (isStale) this.#counts.stale++
    if (source === "lookup") this.#counts.lookups++
  }

  /** All of it, and begins anew. */
  take(): Sources {
    const shelf = products.map((product, id) => {
      const place = places[this.#ranks[id] ?? -1] ?? null
      return { ...product, price: this.#prices[id] ?? product.price, place }
    })
    const taken = { shelf, ...this.#counts }
    this.#ranks = products.map(() => -1)
    this.#counts = { near: 0, stale: 0, lookups: 0 }
    return taken
  }
}
