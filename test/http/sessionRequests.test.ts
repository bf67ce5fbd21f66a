/** Requests of one visitor that overlap: what each is told, what is stored, and which cookie is left. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CacheMemory, SessionStore } from "effect-vcache"
import { requestSession, type RequestSessionState } from "../../src/layers/http/requestSession.ts"
import { VisitModel, type VisitModelOptions } from "../support/VisitModel.ts"

type Act = "get" | "set" | "cycle" | "destroy"

const lifetime = 60_000
const handover = 30_000

const storeOf = (slides: boolean) =>
  SessionStore.make({ data: Schema.String, timeToLive: lifetime, handover, expiry: slides ? "sliding" : "fixed" })

/** A browser and its requests, of which each step is compared with the model's. */
const visit = Effect.fnUntraced(function* (
  store: SessionStore.SessionStoreShape<string>,
  options: Omit<VisitModelOptions, "lifetime" | "handover">,
  first: string | undefined
) {
  const model = new VisitModel({ ...options, lifetime, handover })
  /** Of the model's sessions. */
  const ids: Array<Redacted.Redacted> = []
  const requests: Array<RequestSessionState<string>> = []
  let jar: Redacted.Redacted | undefined
  let sets = 0
  if (first !== undefined) {
    jar = (yield* store.create(first)).id
    ids.push(jar)
    model.jar = model.begin(first)
  }

  const open = () => {
    requests.push(
      requestSession(
        store,
        Option.map(Option.fromUndefinedOr(jar), (id) => ({ id, isCurrent: true })),
        jar !== undefined
      )
    )
    return model.open()
  }

  const act = Effect.fnUntraced(function* (request: number, act: Act) {
    const { change, session } = requests[request]!
    switch (act) {
      case "get":
        assert.strictEqual(Option.getOrUndefined(yield* session.get), model.get(request))
        break
      case "set": {
        const data = `${request} knows ${model.requests[request]!.data}, ${sets++}`
        const outcome = yield* Effect.match(session.set(data), {
          onFailure: ({ _tag }) => _tag,
          onSuccess: () => "stored" as const
        })
        assert.strictEqual(outcome, model.set(request, data))
        break
      }
      case "cycle":
        assert.strictEqual(yield* session.cycle, model.cycle(request))
        break
      case "destroy":
        yield* session.destroy
        model.destroy(request)
    }
    const changed = change()
    if (changed?._tag === "Write" && ids.length < model.fates.length) ids.push(changed.session.id)
    assert.strictEqual(ids.length, model.fates.length)
  })

  const respond = (request: number) => {
    const change = requests[request]!.change()
    if (change !== undefined) jar = change._tag === "Expire" ? undefined : change.session.id
    model.respond(request)
    assert.strictEqual(jar, model.jar === undefined ? undefined : ids[model.jar])
  }

  /** What the cache holds of each session. */
  const compare = Effect.gen(function* () {
    for (const [i, id] of ids.entries()) {
      const found = yield* store.find(id)
      assert.strictEqual(found._tag, model.status(i))
      if (found._tag === "Found") assert.strictEqual(found.data, model.fates[i]!.data)
    }
  })

  return { model, open, act, respond, compare }
})

const acts = ["get", "set", "cycle", "destroy"] as const

const programs: ReadonlyArray<ReadonlyArray<Act>> = [
  ...acts.map((act) => [act]),
  ...acts.flatMap((first) => acts.map((second) => [first, second]))
]

/** Every order of the steps of two requests, of which each keeps its own. */
const orders = (first: number, second: number): ReadonlyArray<ReadonlyArray<0 | 1>> => {
  if (first === 0 || second === 0) return [[...Array<0>(first).fill(0), ...Array<1>(second).fill(1)]]
  return [
    ...orders(first - 1, second).map((order) => [0 as 0 | 1].concat(order)),
    ...orders(first, second - 1).map((order) => [1 as 0 | 1].concat(order))
  ]
}

const ada = "ada"

it.effect(
  "two requests that overlap, in every order: a logout stays one, and a login is not taken away",
  () =>
    Effect.gen(function* () {
      const store = yield* storeOf(true)
      let runs = 0
      for (const [i, one] of programs.entries()) {
        for (const other of programs.slice(i)) {
          for (const start of [ada, undefined]) {
            for (const order of orders(one.length + 1, other.length + 1)) {
              runs++
              const story = `${start}: ${one.join(", ")} / ${other.join(", ")} / ${order.join("")}`
              const { act, compare, model, open, respond } = yield* visit(store, { slides: true }, start)
              /** Sessions that live on of the first one, or know what it held. */
              const known = () =>
                model.fates.filter(({ data, root }, i) => model.lives(i) && (data.includes(ada) || root === start))
                  .length
              const left = [one.values(), other.values()] as const
              for (const _ of left) open()
              let isLoggedOut = false
              let isDestroyed = false
              for (const request of order) {
                const { done, value } = left[request].next()
                if (done === true) {
                  respond(request)
                  continue
                }
                const before = known()
                yield* act(request, value)
                isDestroyed ||= value === "destroy"
                isLoggedOut ||= value === "destroy" && before === 1 && known() === 0
                assert.isAtMost(known(), 1, story)
                if (isLoggedOut) assert.strictEqual(known(), 0, story)
              }
              yield* compare
              if (model.jar !== undefined) assert.isTrue(model.lives(model.jar), story)
              if (!isDestroyed && start !== undefined) assert.strictEqual(model.fates[model.jar!]!.root, ada, story)
            }
          }
        }
      }
      assert.isAbove(runs, 5000)
    }).pipe(Effect.provide(Layer.fresh(CacheMemory))),
  60_000
)

const request = Schema.Literals([0, 1, 2])

const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Open") }),
  Schema.Struct({ _tag: Schema.tag("Act"), request, act: Schema.Literals(acts) }),
  Schema.Struct({ _tag: Schema.tag("Respond"), request }),
  Schema.Struct({ _tag: Schema.tag("Wait"), seconds: Schema.Literals([1, 10, 31, 61]) })
])

it.effect.prop(
  "requests that take as long as they like see and leave what they should",
  [Schema.Boolean, Schema.Array(Step)],
  ([slides, steps]) =>
    Effect.gen(function* () {
      const { act, compare, model, open, respond } = yield* visit(yield* storeOf(slides), { slides }, undefined)
      /** The latest first. */
      const pending: Array<number> = []
      for (const step of steps) {
        model.now = yield* Clock.currentTimeMillis
        if (step._tag === "Open") pending.unshift(open())
        else if (step._tag === "Wait") yield* TestClock.adjust(`${step.seconds} seconds`)
        else {
          const which = pending[step.request]
          if (which === undefined) continue
          if (step._tag === "Act") yield* act(which, step.act)
          else {
            respond(which)
            pending.splice(step.request, 1)
          }
        }
      }
      model.now = yield* Clock.currentTimeMillis
      yield* compare
    }).pipe(Effect.provide(Layer.fresh(CacheMemory))),
  { timeout: 60_000, arbitrary: { runs: 1000, seed: "effect-vcache", size: 40 } }
)
