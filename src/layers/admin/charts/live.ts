/** The figures of the charts, as server-sent events: one look each second for all who watch. */
import { Clock, Deferred, Effect, Metric, Result, Schedule, Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { countOf } from "../../inspection/info.ts"
import type { SharedLooks } from "../../inspection/SharedLooks.ts"
import { type Figures, figuresBetween, type Reading, readingOf } from "./figures.ts"
import { headers, plain } from "../kernel/respond.ts"
import { isClosing } from "./isClosing.ts"
import type { Answer, ShownCache } from "../kernel/Visit.ts"

/** A stream ends after this many events. The browser then asks for another one, and the rights of the visitor are checked again. */
const mostEvents = 300

/** By the names of the caches. */
type Readings = ReadonlyMap<string, Reading>

/** The memory and the evictions of the servers that answer; undefined if none answers. */
const serversOf = (client: ValkeyClientShape, looks: SharedLooks): Effect.Effect<Reading["servers"]> =>
  Effect.match(looks.infosNow(client), {
    onFailure: () => undefined,
    onSuccess: (answers) => {
      const infos = [...answers].flatMap(([server, info]) =>
        Result.isSuccess(info) ? [[server, info.success] as const] : []
      )
      return infos.length === 0
        ? undefined
        : {
            memory: infos.reduce((sum, [, info]) => sum + countOf(info, "used_memory"), 0),
            evicted: new Map(infos.map(([server, info]) => [server, countOf(info, "evicted_keys")]))
          }
    }
  })

const look = (caches: ReadonlyArray<ShownCache>, looks: SharedLooks): Effect.Effect<Readings> =>
  Effect.gen(function* () {
    // Caches over one client have its servers in common.
    const clients = new Set(caches.map(({ cache }) => cache.client))
    const asked = Effect.forEach(
      clients,
      (client) => Effect.map(serversOf(client, looks), (servers) => [client, servers] as const),
      { concurrency: 4 }
    )
    const servers = new Map(yield* asked)
    const metrics = yield* Metric.snapshot
    const now = yield* Clock.currentTimeMillis
    return new Map(caches.map(({ cache, name }) => [name, readingOf(metrics, name, servers.get(cache.client), now)]))
  })

const between = (before: Readings, now: Readings): ReadonlyMap<string, Figures> =>
  new Map(
    [...now].flatMap(([name, reading]) => {
      const earlier = before.get(name)
      return earlier === undefined ? [] : [[name, figuresBetween(earlier, reading)] as const]
    })
  )

const event = (all: ReadonlyMap<string, Figures>, caches: ReadonlyArray<ShownCache>): string =>
  `data: ${JSON.stringify(Object.fromEntries(caches.map(({ name }) => [name, all.get(name) ?? null])))}\n\n`

/**
 * Answers the visitors who watch the charts. At most `maxStreams` watch at once; others get 503. The servers are asked only while
 * somebody watches. The streams end with the layer. They also end within a second after the HTTP server of the request begins to
 * close, because it waits for open responses.
 */
export const liveAnswer = (
  caches: ReadonlyArray<ShownCache>,
  maxStreams: number,
  looks: SharedLooks
): Effect.Effect<Answer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<void>()
    const shared = yield* Stream.fromEffectSchedule(look(caches, looks), Schedule.spaced("1 second")).pipe(
      Stream.mapAccum(
        (): Readings => new Map(),
        (before, now: Readings) => [now, before.size === 0 ? [] : [between(before, now)]] as const
      ),
      Stream.share({ capacity: 4, strategy: "sliding" })
    )
    let streams = 0
    const place = Effect.acquireRelease(
      Effect.sync(() => ++streams <= maxStreams),
      () => Effect.sync(() => streams--)
    )
    // The streams end before the stream that they share. Its end would interrupt them, and a browser would take that for a failure.
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* Deferred.succeed(closed, undefined)
        for (let turns = 0; streams > 0 && turns < 100; turns++) yield* Effect.yieldNow
      })
    )
    const full = Effect.succeed(plain("Too many visitors are watching.\n", 503, { "retry-after": "60" }))
    return (visit, request) => {
      if (streams >= maxStreams) return full
      const events = Stream.concat(
        Stream.make("retry: 3000\n\n"),
        Stream.take(
          shared.pipe(
            Stream.takeWhile(() => !isClosing(request)),
            Stream.map((all) => event(all, visit.caches))
          ),
          mostEvents
        )
      )
      // Other visitors may have taken the last place between the answer and its body.
      const body = Stream.unwrap(Effect.map(place, (isFree) => (isFree ? events : Stream.empty)))
      return Effect.succeed(
        HttpServerResponse.stream(Stream.encodeText(Stream.interruptWhen(body, Deferred.await(closed))), {
          headers,
          contentType: "text/event-stream"
        })
      )
    }
  })
