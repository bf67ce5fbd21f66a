/** Values of a schema: typed going in and coming out. `npm run example examples/typed-values.ts` */
import { Effect, Option, Schema } from "effect"
import { CacheFromConfig, CacheService } from "effect-vcache"

class User extends Schema.Class<User>("User")({
  id: Schema.Int,
  name: Schema.String,
  born: Schema.Date
}) {
  get greeting() {
    return `Hello ${this.name}`
  }
}

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  const users = cache.withSchema(User)

  yield* users.set("user:1", new User({ id: 1, name: "Ada", born: new Date("1815-12-10") }))
  const ada = Option.getOrThrow(yield* users.get("user:1"))
  console.log(ada.greeting, ada.born.getUTCFullYear())

  // A value that another program stored under the key is checked, not trusted.
  yield* cache.set("user:2", { id: "two", name: "Bob" })
  const outcome = yield* users.get("user:2").pipe(
    Effect.map(() => "decoded"),
    Effect.catchTag("CacheCodecError", (error) => Effect.succeed(error.message))
  )
  console.log(outcome)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// Hello Ada 1815
// get: cannot decode the value of "user:2": Expected number at .id
