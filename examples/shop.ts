/** A shop whose category page bears ten tags. `npm run example examples/shop.ts` */
import { Effect, Option, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

const Product = Schema.Struct({ id: Schema.Int, name: Schema.String, price: Schema.Int })
const Page = Schema.Struct({ category: Schema.String, products: Schema.Array(Product) })

/** What the shop would ask without a cache: nine teas, and one cup. */
const products = new Map(
  Array.from({ length: 10 }, (_, i) => {
    const id = i + 1
    return [id, { id, name: id === 10 ? "Cup" : `Tea ${id}`, price: 500 + id, category: id === 10 ? "cups" : "tea" }]
  })
)

const program = Effect.gen(function* () {
  const cache = (yield* CacheService).withOptions({ prefix: "shop" })
  yield* cache.clear

  let made = 0
  const pageOf = yield* cache.memoize(
    {
      name: "page",
      key: Schema.String,
      value: Page,
      timeToLive: "1 hour",
      // The list itself, and each product in it: ten tags for the page of teas, which nobody has to know beforehand.
      tags: (category, { products }) => [`category:${category}`, ...products.map(({ id }) => `product:${id}`)]
    },
    (category) =>
      Effect.sync(() => {
        made++
        return { category, products: [...products.values()].filter((product) => product.category === category) }
      })
  )
  const show = Effect.fnUntraced(function* (what: string) {
    const [teas, cups] = [yield* pageOf("tea"), yield* pageOf("cups")]
    const first = teas.products[0]
    console.log(`${what}: ${first?.name} costs ${first?.price}, ${cups.products.length} cup`)
  })
  /** Until what nobody waited for is done. */
  const until = (pages: number) =>
    Effect.andThen(
      Effect.suspend(() => Effect.repeat(Effect.sleep(5), { while: () => made < pages })),
      Effect.sleep(50)
    )

  // From here on the tags have records. What is looked up before that is stored unless something was invalidated meanwhile.
  yield* show("first")
  yield* until(2)
  yield* show("again")
  console.log(made, "pages made")
  const key = (yield* cache.keys("*tea*"))[0] ?? ""
  console.log("the page of teas bears", Option.getOrThrow(yield* cache.tagsOf(key)).length, "tags")

  // A price changes. The page stays warm: the old one is served once more while a new one is made, and cups are not concerned.
  products.set(1, { ...products.get(1)!, price: 450 })
  yield* cache.invalidateTags(["product:1"], { mode: "stale" })
  yield* show("a moment after the price has changed")
  yield* until(3)
  yield* show("then")

  // A tea is recalled: nobody may see it any more.
  products.delete(1)
  yield* cache.invalidateTags(["product:1"])
  yield* show("after the recall")
  console.log(made, "pages made")

  // A tea is new. No page bears its tag, and the list has changed.
  products.set(11, { id: 11, name: "Tea 11", price: 700, category: "tea" })
  yield* cache.invalidateTags(["category:tea"])
  console.log("teas:", (yield* pageOf("tea")).products.length)
  yield* cache.clear
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// first: Tea 1 costs 501, 1 cup
// again: Tea 1 costs 501, 1 cup
// 2 pages made
// the page of teas bears 10 tags
// a moment after the price has changed: Tea 1 costs 501, 1 cup
// then: Tea 1 costs 450, 1 cup
// after the recall: Tea 2 costs 502, 1 cup
// 4 pages made
// teas: 9
