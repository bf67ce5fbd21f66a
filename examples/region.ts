/** A typed keyspace as a service of its own. `npm run example examples/region.ts` */
import { Context, Effect, Layer, Option, Schema } from "effect"
import { CacheFromConfig, CacheRegion } from "effect-vcache"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String, since: Schema.Date })

class NotFound extends Schema.TaggedError<NotFound>("NotFound")("NotFound", { id: Schema.Int }) {}

/** What the program would ask without a cache. */
class Database extends Context.Service<
  Database,
  { readonly users: (ids: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<typeof User.Type>> }
>()("app/Database") {
  static readonly layer = Layer.succeed(Database, {
    users: (ids) =>
      Effect.sync(() => {
        console.log("  asking the database for", ids.join(", "))
        return ids.filter((id) => id < 100).map((id) => ({ id, name: `user ${id}`, since: new Date(0) }))
      })
  })
}

class Users extends CacheRegion.Service<Users>()("app/Users", {
  key: Schema.Int,
  value: User,
  timeToLive: "5 minutes",
  staleFor: "1 hour",
  earlyRefresh: { _tag: "xfetch" },
  lookup: Effect.fnUntraced(function* (id: number) {
    const database = yield* Database
    const [user] = yield* database.users([id])
    return user ?? (yield* new NotFound({ id }))
  }),
  lookupMany: (ids) =>
    Database.use((database) =>
      Effect.map(database.users(ids), (users) => users.map((user) => [user.id, user] as const))
    )
}) {}

const program = Effect.gen(function* () {
  const users = yield* Users
  yield* users.clear
  console.log((yield* users.get(1)).name)
  console.log((yield* users.get(1)).name)
  console.log([...(yield* users.getMany([1, 2, 3])).keys()])
  console.log([...(yield* users.getMany([3, 2, 1])).values()].map(({ name }) => name))
  console.log((yield* Effect.flip(users.get(404)))._tag)
  yield* users.set(2, { id: 2, name: "renamed", since: new Date(0) })
  yield* users.invalidate(1)
  console.log(Option.isSome(yield* users.getCached(1)), (yield* users.get(2)).name)
  console.log("cleared", yield* users.clear)
})

const live = Users.layer.pipe(Layer.provide(Database.layer), Layer.provide(CacheFromConfig))
await Effect.runPromise(Effect.provide(program, live))

// Prints:
//   asking the database for 1
// user 1
// user 1
//   asking the database for 2, 3
// [ 1, 2, 3 ]
// [ 'user 3', 'user 2', 'user 1' ]
//   asking the database for 404
// NotFound
// false renamed
// cleared 2
