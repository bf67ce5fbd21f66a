/** The Valkey beneath the cache: one that the example has started and may break, somebody's, or none. */
import { Config, Context, Effect, Layer, Option, Redacted, Ref, Semaphore } from "effect"
import { ValkeyFallback, ValkeyMemory, ValkeyUrl } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"

/** `yours` is a Valkey that VALKEY_URL names, whose state this program does not know. */
export type State = "running" | "frozen" | "killed" | "yours" | "in memory"
export type Action = "freeze" | "thaw" | "kill" | "start"

export class Valkey extends Context.Service<
  Valkey,
  {
    readonly state: Effect.Effect<State>
    /** Does what a button says; a text says why there are no buttons. */
    readonly press: ((action: Action) => Effect.Effect<void>) | string
  }
>()("example/Valkey") {}

/** A Valkey in whose place memory answers while it is away: whenever a command has taken 100 milliseconds. */
const client = (url: string | Redacted.Redacted) =>
  ValkeyFallback.layer({
    first: ValkeyUrl.layer(url, { commandTimeout: "100 millis" }),
    second: ValkeyMemory.layer({ maxEntries: 10_000 })
  })

const breakable = (server: LocalValkey.LocalServer) =>
  Layer.effect(
    Valkey,
    Effect.gen(function* () {
      const state = yield* Ref.make<State>("running")
      const oneAtATime = yield* Semaphore.make(1)
      const become = (to: State, from: ReadonlyArray<State>, act: Effect.Effect<void>) =>
        Effect.gen(function* () {
          if (!from.includes(yield* Ref.get(state))) return
          yield* act
          yield* Ref.set(state, to)
        }).pipe(oneAtATime.withPermit)
      const actions: Readonly<Record<Action, Effect.Effect<void>>> = {
        freeze: become("frozen", ["running"], server.freeze),
        thaw: become("running", ["frozen"], server.thaw),
        kill: become("killed", ["running", "frozen"], server.kill),
        start: become("running", ["killed"], Effect.orDie(server.start))
      }
      return Valkey.of({ state: Ref.get(state), press: (action) => actions[action] })
    })
  )

const own = Layer.unwrap(Effect.map(LocalValkey.make, (server) => Layer.merge(breakable(server), client(server.url))))

const unbreakable = (state: State, why: string) =>
  Layer.succeed(Valkey, Valkey.of({ state: Effect.succeed(state), press: why }))

const memory = (why: string) => Layer.merge(unbreakable("in memory", why), ValkeyMemory.layer())

const none = memory("No valkey-server was found: install one, or name it in VALKEY_SERVER, to have something to break.")

const given = (url: Redacted.Redacted) =>
  Redacted.value(url).startsWith("memory:")
    ? memory("VALKEY_URL asks for a cache in memory: there is no Valkey to break.")
    : Layer.merge(
        unbreakable("yours", "VALKEY_URL names a Valkey of yours, which this page does not break."),
        client(url)
      )

/** The one that VALKEY_URL names, else one of its own, else none. */
export const layer = Layer.unwrap(
  Effect.map(
    Config.option(Config.Redacted("VALKEY_URL")),
    Option.match({ onNone: () => Layer.catch(own, () => none), onSome: given })
  )
)
