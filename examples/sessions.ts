/** Sessions: a login that gives a new id, a slow request that cannot undo a logout, and lifetimes. `npm run example examples/sessions.ts` */
import { Duration, Effect, Option, Schema } from "effect"
import { CacheFromConfig, type Session, SessionStore } from "effect-vcache"

const Visitor = Schema.Struct({ user: Schema.Option(Schema.String), cart: Schema.Array(Schema.String) })
type Visitor = typeof Visitor.Type

const program = Effect.gen(function* () {
  const sessions = yield* SessionStore.make({ data: Visitor, timeToLive: "14 days" })

  const guest = yield* sessions.create({ user: Option.none(), cart: ["tea"] })

  // The guest signs in. An id that was foisted on him is worth nothing from now on.
  const { data, id } = yield* sessions.cycle(guest.id)
  yield* sessions.save(id, { ...data, user: Option.some("ada") })
  console.log("the guest's id:", (yield* sessions.find(guest.id))._tag)
  console.log("her own:", (yield* sessions.find(id))._tag)

  /** Reads the session, takes its time, and stores what it read, changed. */
  const order = (session: Session<Visitor>, item: string) =>
    Effect.delay(
      sessions.save(session.id, { ...session.data, cart: [...session.data.cart, item] }),
      Duration.millis(20)
    )
  const seen = Option.getOrThrow(yield* sessions.load(id))
  const [, late] = yield* Effect.all([sessions.destroy(id), Effect.flip(order(seen, "milk"))], { concurrency: 2 })
  console.log("ordered after the logout:", late._tag, "and the session is", (yield* sessions.find(id))._tag)

  // "Remember me": a lifetime of its own, by which it slides.
  const long = yield* sessions.create(data, { timeToLive: "90 days" })
  const loaded = Option.getOrThrow(yield* sessions.load(long.id))
  console.log("days left:", Math.round(Duration.toDays(loaded.expiresIn)))
  yield* sessions.destroy(long.id)
})

await Effect.runPromise(Effect.provide(program, CacheFromConfig))

// Prints:
// the guest's id: Ended
// her own: Found
// ordered after the logout: SessionMissing and the session is Missing
// days left: 90
