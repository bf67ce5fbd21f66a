/** Asks servers once for all caches and visitors that want the same answer at the same time. */
import { Clock, Effect, Fiber, Scope } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { type Answers, configsOf, type Fields, infosOf, looksOf, type ServerLooks } from "./serverLooks.ts"

/** Milliseconds for which an answer is good enough for a page. */
const recentMillis = 1000

type Asked = Fiber.Fiber<Answers<Fields>, CommandError>

/** The last answer to one question, by client. If the visitor who asked first leaves, the others still get the answer. */
class SharedAnswer {
  readonly #ask: (client: ValkeyClientShape) => Effect.Effect<Answers<Fields>, CommandError>
  readonly #scope: Scope.Scope
  readonly #last = new WeakMap<ValkeyClientShape, { readonly at: number; readonly asked: Asked }>()

  constructor(ask: (client: ValkeyClientShape) => Effect.Effect<Answers<Fields>, CommandError>, scope: Scope.Scope) {
    this.#ask = ask
    this.#scope = scope
  }

  now(client: ValkeyClientShape): Effect.Effect<Answers<Fields>, CommandError> {
    return Effect.flatMap(Clock.currentTimeMillis, (at) =>
      Effect.flatMap(Effect.forkIn(this.#ask(client), this.#scope), (asked) => {
        this.#last.set(client, { at, asked })
        return Fiber.join(asked)
      })
    )
  }

  recent(client: ValkeyClientShape): Effect.Effect<Answers<Fields>, CommandError> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const last = this.#last.get(client)
      const isRecent = last !== undefined && last.at <= now && now - last.at < recentMillis
      return isRecent ? Fiber.join(last.asked) : this.now(client)
    })
  }
}

export class SharedLooks {
  readonly #infos: SharedAnswer
  readonly #configs: SharedAnswer

  /** Questions that are not answered yet end with the scope. */
  constructor(scope: Scope.Scope) {
    this.#infos = new SharedAnswer(infosOf, scope)
    this.#configs = new SharedAnswer(configsOf, scope)
  }

  /** INFO of each server, asked now. */
  infosNow(client: ValkeyClientShape): Effect.Effect<Answers<Fields>, CommandError> {
    return this.#infos.now(client)
  }

  /** INFO and the settings of each server, asked within the last second. */
  recent(client: ValkeyClientShape): Effect.Effect<ServerLooks, CommandError> {
    return Effect.zipWith(this.#infos.recent(client), this.#configs.recent(client), looksOf, { concurrent: true })
  }
}
