/** 1 000 requests on a key that has just expired, with and without each option. `npm run example examples/stampede.ts` */
import { Context, Effect, Exit, Layer, Option, Schema } from "effect"
import { CacheLive, CacheService, type LookupOptions, type TypedCache, ValkeyClient, ValkeyUrl } from "effect-vcache"

const requests = 1000
const lifetime = "800 millis"

/** As many processes, each with a client and a cache of its own over the same server. */
const processes = 4

/** Caches over one client share what coordinates them, and so a process of its own has a client of its own. */
const processLayer = Layer.provide(
  CacheLive,
  Layer.effect(
    ValkeyClient,
    Effect.map(ValkeyClient, (client) => ({ ...client }))
  )
)

/** A report that takes its source half a second. */
const makeSource = (works = true) => {
  const source = { asked: 0, answeredAt: Infinity }
  const answer = Effect.suspend(() => {
    source.asked++
    source.answeredAt = Math.min(source.answeredAt, performance.now())
    return works ? Effect.succeed(`report ${source.asked}`) : Effect.fail("the source is down" as const)
  })
  return Object.assign(source, { report: Effect.delay(answer, "500 millis") })
}
type Source = ReturnType<typeof makeSource>
type Reports = TypedCache<string>
type Request = (cache: Reports, source: Source) => Effect.Effect<string, unknown>

const byHand: Request = Effect.fnUntraced(function* (cache, { report }) {
  const hit = yield* cache.get("report")
  if (Option.isSome(hit)) return hit.value
  const value = yield* report
  yield* cache.set("report", value, { timeToLive: lifetime })
  return value
})

const by =
  (options: LookupOptions<string>): Request =>
  (cache, { report }) =>
    cache.getOrSet("report", report, { timeToLive: lifetime, ...options })

interface Case {
  readonly name: string
  readonly request: Request
  readonly works?: boolean
  readonly processes?: number
}

const cases: ReadonlyArray<Case> = [
  { name: "get, else look up and set", request: byHand },
  { name: "getOrSet", request: by({}) },
  { name: "  staleFor", request: by({ staleFor: "1 hour" }) },
  {
    name: "  earlyRefresh, before it expires",
    // Once a twentieth of ten seconds has passed.
    request: by({ timeToLive: "10 seconds", earlyRefresh: { _tag: "fraction", of: 0.05 } })
  },
  { name: "  the source is down", request: by({}), works: false },
  { name: "  the source is down, staleFor", request: by({ staleFor: "1 hour" }), works: false },
  { name: "  4 processes", request: by({}), processes },
  { name: "  4 processes, in the cluster", request: by({ singleFlight: "cluster" }), processes }
]

const measure = ({ name, processes = 1, request, works = true }: Case) =>
  Effect.gen(function* () {
    const caches = yield* Effect.forEach(Array.from({ length: processes }), () =>
      Effect.map(Layer.build(Layer.fresh(processLayer)), (context) =>
        Context.get(context, CacheService).withOptions({ prefix: "stampede" }).withSchema(Schema.String)
      )
    )
    const [cache] = caches
    if (cache === undefined) return
    yield* cache.clear
    yield* request(cache, makeSource())
    // Until it has expired. On a busy machine it may have been stored late.
    yield* Effect.sleep("1 second")

    const source = makeSource(works)
    const outcomes = yield* Effect.forEach(
      Array.from({ length: requests }),
      (_, i) =>
        Effect.map(Effect.exit(request(caches[i % processes] ?? cache, source)), (exit) => ({
          exit,
          at: performance.now()
        })),
      { concurrency: "unbounded" }
    )
    // What goes on in the background ends, too.
    yield* Effect.sleep("600 millis")
    const failed = outcomes.filter(({ exit }) => Exit.isFailure(exit)).length
    // For the source, however long that took.
    const waited = outcomes.filter(({ at }) => at >= source.answeredAt).length
    const column = (value: number) => String(value).padStart(9)
    console.log(`${name.padEnd(36)}${column(source.asked)}${column(waited)}${column(failed)}`)
  }).pipe(Effect.scoped)

console.log(`${"1 000 requests".padEnd(36)}  lookups   waited   failed`)
const program = Effect.forEach(cases, measure, { discard: true })

await Effect.runPromise(Effect.provide(program, ValkeyUrl.layerConfig()))

// Prints:
// 1 000 requests                        lookups   waited   failed
// get, else look up and set                1000     1000        0
// getOrSet                                    1     1000        0
//   staleFor                                  1        0        0
//   earlyRefresh, before it expires           1        0        0
//   the source is down                        1     1000     1000
//   the source is down, staleFor              1        0        0
//   4 processes                               4     1000        0
//   4 processes, in the cluster               1     1000        0
