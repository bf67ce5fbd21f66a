/** Cached responses against what RFC 9111 lets a cache answer with, over generated histories of a page. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { CacheMemory } from "effect-vcache"
import { HttpCache } from "effect-vcache/http"

const Made = Schema.Struct({
  /** When its maker began and ended, in seconds. */
  begun: Schema.Finite,
  at: Schema.Finite,
  language: Schema.String,
  control: Schema.String,
  vary: Schema.String
})
const decodeMade = Schema.decodeUnknownSync(Schema.fromJsonString(Made))

const languages = ["en", "fr", "-"] as const

const Step = Schema.Union([
  Schema.Struct({
    _tag: Schema.tag("Ask"),
    language: Schema.Literals(languages),
    control: Schema.Literals(["", "", "", "no-cache", "no-store", "max-age=0", "max-age=3", "min-fresh=5"])
  }),
  Schema.Struct({ _tag: Schema.tag("AskTogether") }),
  Schema.Struct({ _tag: Schema.tag("Wait"), seconds: Schema.Literals([1, 2, 5, 9, 15, 40]) }),
  Schema.Struct({ _tag: Schema.tag("Change") }),
  Schema.Struct({ _tag: Schema.tag("ChangeMeanwhile"), language: Schema.Literals(languages) }),
  Schema.Struct({ _tag: Schema.tag("ChangeThatFails") }),
  Schema.Struct({ _tag: Schema.tag("Purge") }),
  Schema.Struct({
    _tag: Schema.tag("Control"),
    control: Schema.Literals([
      "max-age=10",
      "public, max-age=10",
      "s-maxage=5, max-age=0",
      "max-age=10, must-revalidate",
      "Max-Age=10, MUST-REVALIDATE",
      "private, max-age=10",
      "no-store",
      ""
    ])
  }),
  Schema.Struct({ _tag: Schema.tag("Vary"), vary: Schema.Literals(["", "Accept-Language", "X-Other", "*"]) })
])

/** Seconds. */
const staleFor = 20

/** So long a response with this header is fresh. */
const freshFor = (control: string): number =>
  /private|no-store|^$/.test(control) ? 0 : control.startsWith("s-maxage") ? 5 : 10

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)

it.effect.prop(
  "what is answered may be answered, and is made as seldom",
  [Schema.Array(Step)],
  ([steps]) =>
    Effect.scoped(
      Effect.gen(function* () {
        let control = "max-age=10"
        let vary = ""
        let calls = 0
        let changedAt = -Infinity
        let isSlow = false
        const pages = HttpCache.make({ staleFor: `${staleFor} seconds` })
        const page = Effect.gen(function* () {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          calls++
          const begun = yield* seconds
          yield* isSlow ? Effect.sleep("2 seconds") : Effect.yieldNow
          const made = { begun, at: yield* seconds, language: headers["accept-language"] ?? "", control, vary }
          return HttpServerResponse.text(JSON.stringify(made), { headers: { "cache-control": control, vary } })
        })
        const app = yield* HttpRouter.toHttpEffect(
          HttpRouter.addAll([
            HttpRouter.route("GET", "/page", page),
            HttpRouter.route("POST", "/page", Effect.succeed(HttpServerResponse.empty())),
            HttpRouter.route("PUT", "/page", Effect.succeed(HttpServerResponse.empty({ status: 409 })))
          ]).pipe(Layer.provide(pages.layer))
        )
        const send = (method: string, headers: Readonly<Record<string, string>> = {}) =>
          Effect.provideService(
            app,
            HttpServerRequest.HttpServerRequest,
            HttpServerRequest.fromWeb(
              new Request("http://test/page", { method, headers: { ...headers, host: "test" } })
            )
          )

        const ask = Effect.fnUntraced(function* (language: string, asked: string) {
          const response = yield* Effect.scoped(send("GET", { "accept-language": language, "cache-control": asked }))
          const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
          const made = decodeMade(text)
          const age = (yield* seconds) - made.at
          assert.isAtLeast(age, 0)
          // A page varies by what it was made for, whoever made it.
          if (made.vary === "Accept-Language" || made.vary === "*") assert.strictEqual(made.language, language)
          if (age === 0) return
          assert.isAbove(freshFor(made.control), 0, "was not to be stored")
          assert.isAtLeast(made.begun, changedAt, "was forgotten")
          assert.notMatch(asked, /no-cache|no-store|max-age=0/)
          assert.notStrictEqual(made.vary, "*")
          const isStrict = /must-revalidate/i.test(made.control) || asked !== ""
          assert.isAtMost(age, freshFor(made.control) + (isStrict ? 0 : staleFor))
          if (asked === "max-age=3") assert.isAtMost(age, 3)
          if (asked === "min-fresh=5") assert.isAtMost(age, freshFor(made.control) - 5)
        })

        for (const step of steps) {
          switch (step._tag) {
            case "Ask": {
              yield* ask(step.language, step.control)
              // Nobody needs a second call at the same moment.
              const before = calls
              if (step.control === "" && freshFor(control) > 0 && vary !== "*") {
                yield* ask(step.language, "")
                assert.strictEqual(calls, before, JSON.stringify(steps))
              }
              break
            }
            case "AskTogether":
              yield* Effect.forEach([...languages, ...languages], (language) => ask(language, ""), {
                concurrency: "unbounded"
              })
              break
            case "Wait":
              yield* TestClock.adjust(`${step.seconds} seconds`)
              break
            case "Change":
              yield* Effect.scoped(send("POST"))
              changedAt = yield* seconds
              break
            case "ChangeMeanwhile": {
              isSlow = true
              const asking = yield* Effect.forkChild(
                Effect.scoped(send("GET", { "accept-language": step.language, "cache-control": "no-cache" }))
              )
              yield* TestClock.adjust("1 second")
              yield* Effect.scoped(send("POST"))
              changedAt = yield* seconds
              yield* TestClock.adjust("5 seconds")
              yield* Fiber.join(asking)
              isSlow = false
              break
            }
            case "ChangeThatFails":
              yield* Effect.scoped(send("PUT"))
              break
            case "Purge":
              yield* pages.purge("test/page")
              changedAt = yield* seconds
              break
            case "Control":
              control = step.control
              break
            case "Vary":
              vary = step.vary
          }
        }
      })
    ).pipe(Effect.provide(Layer.fresh(CacheMemory))),
  { timeout: 300_000, arbitrary: { runs: 2000, seed: "effect-vcache", size: 30 } }
)
