/** The products of the shop: each one stands in an aisle, whose name is the tag of its cache entry. */
import { Schema } from "effect"

export const aisles = ["tea", "coffee", "cups", "sweets"] as const

export const Aisle = Schema.Literals(aisles)
export type Aisle = typeof Aisle.Type

export const Product = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  aisle: Aisle,
  /** In cents. */
  price: Schema.Int
})
export type Product = typeof Product.Type

const names: Readonly<Record<Aisle, ReadonlyArray<string>>> = {
  tea: ["Assam", "Sencha", "Oolong", "Matcha", "Rooibos", "Mint"],
  coffee: ["Java", "Kenya", "Mocha", "Sidamo", "Lungo", "Decaf"],
  cups: ["Mug", "Glass", "Bowl", "Saucer", "Flask", "Teapot"],
  sweets: ["Fudge", "Toffee", "Nougat", "Halva", "Lokum", "Biscotti"]
}

export const products: ReadonlyArray<Product> = aisles.flatMap((aisle, row) =>
  names[aisle].map((name, i) => ({ id: row * 6 + i, name, aisle, price: 350 + 45 * ((row * 6 + i * 5) % 13) }))
)
