/**
 * Requests that are resolved together and cached: ten posts ask for their authors, which is one MGET and one query for those that are
 * missing. `npm run example examples/resolver.ts`
 */
import { Effect, Request, Schema } from "effect"
import { CacheFromConfig, CacheResolver, CacheService } from "effect-vcache"

const Author = Schema.Struct({ id: Schema.Int, name: Schema.String })
type Author = typeof Author.Type

class NoAuthor extends Schema.TaggedError<NoAuthor>("NoAuthor")("NoAuthor", { id: Schema.Int }) {}
class FindAuthor extends Request.TaggedClass("FindAuthor")<{ readonly id: number }, Author, NoAuthor> {}

const names = new Map([
  [1, "Ada"],
  [2, "Grace"],
  [3, "Barbara"]
])

/** One query for all authors that are not in the cache. */
const queryAuthors = (requests: ReadonlyArray<FindAuthor>) =>
  Effect.sync(() => {
    console.log("SELECT … WHERE id IN", requests.map(({ id }) => id).join(", "))
    return requests.flatMap((request) => {
      const name = names.get(request.id)
      return name === undefined ? [] : [[request, { id: request.id, name }] as const]
    })
  })

const program = Effect.gen(function* () {
  yield* CacheService.use((cache) => cache.clear)
  const authors = yield* CacheResolver.make<FindAuthor, typeof Author>({
    value: Author,
    key: ({ id }) => `author:${id}`,
    lookup: queryAuthors,
    missing: ({ id }) => new NoAuthor({ id }),
    timeToLive: "10 minutes"
  })
  const authorOf = (id: number) => Effect.request(new FindAuthor({ id }), authors)

  // Ten posts of two authors.
  const posts = Array.from({ length: 10 }, (_, i) => 1 + (i % 2))
  const found = yield* Effect.forEach(posts, authorOf, { concurrency: "unbounded" })
  console.log(found.map(({ name }) => name).join(" "))

  // Two of three are in the cache by now.
  const next = yield* Effect.forEach([1, 2, 3], authorOf, { concurrency: "unbounded" })
  console.log(next.map(({ name }) => name).join(" "))

  // Failures are not stored.
  const error = yield* Effect.flip(authorOf(7))
  console.log(error._tag, error.id)
  yield* CacheService.use((cache) => cache.clear)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig.layer({ prefix: "resolver" })))

// Prints:
// SELECT … WHERE id IN 1, 2
// Ada Grace Ada Grace Ada Grace Ada Grace Ada Grace
// SELECT … WHERE id IN 3
// Ada Grace Barbara
// SELECT … WHERE id IN 7
// NoAuthor 7
