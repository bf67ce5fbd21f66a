/** The value that everybody stores: a record of about 1 KB of JSON, most of it text. */
import { Schema } from "effect"

export const Article = Schema.Struct({
  id: Schema.Finite,
  title: Schema.String,
  author: Schema.Struct({ id: Schema.Finite, name: Schema.String, verified: Schema.Boolean }),
  tags: Schema.Array(Schema.String),
  published: Schema.String,
  score: Schema.Finite,
  body: Schema.String
})

export const article: typeof Article.Type = {
  id: 4711,
  title: "What a cache costs, and what it saves",
  author: { id: 7, name: "A. Lovelace", verified: true },
  tags: ["cache", "valkey", "effect"],
  published: "2026-01-31T12:00:00.000Z",
  score: 98.6,
  body: "A cache is a promise that the answer has not changed since it was last asked. ".repeat(10)
}

export const text = JSON.stringify(article)
/** About 100 kB of JSON. */
export const articles = Array.from({ length: 100 }, () => article)

/** Seconds. */
export const lifetime = 300

/** As many entries as there are keys, read in turn, so that nobody answers several callers with one reply. */
export const keys = Array.from({ length: 1000 }, (_, i) => `article:${i}`)

/** The next key, for one contender. */
export const inTurn = (): (() => string) => {
  let next = 0
  return () => keys[next++ % keys.length] ?? ""
}

/** The next hundred keys, or so many. */
export const inBatches = (size = 100): (() => Array<string>) => {
  const batches = Array.from({ length: keys.length / size }, (_, i) => keys.slice(i * size, i * size + size))
  let next = 0
  return () => batches[next++ % batches.length] ?? []
}

/** A record of about 1 KB of JSON, most of it fields: what the formats are compared on besides. */
export const Order = Schema.Struct({
  id: Schema.Int,
  customer: Schema.Struct({ id: Schema.Int, name: Schema.String, premium: Schema.Boolean }),
  placed: Schema.Date,
  paid: Schema.NullOr(Schema.Date),
  lines: Schema.Array(
    Schema.Struct({
      sku: Schema.String,
      quantity: Schema.Int,
      price: Schema.Finite,
      discount: Schema.optionalKey(Schema.Finite),
      gift: Schema.Boolean
    })
  )
})

export const order: typeof Order.Type = {
  id: 90_210,
  customer: { id: 7, name: "A. Lovelace", premium: true },
  placed: new Date("2026-01-31T12:00:00.000Z"),
  paid: null,
  lines: Array.from({ length: 12 }, (_, i) => ({
    sku: `SKU-${1000 + i}`,
    quantity: i + 1,
    price: 9.95 + i,
    ...(i % 3 === 0 ? { discount: 0.15 } : {}),
    gift: i === 4
  }))
}
