/** Says what is wrong with a server, or with the way to it. */
import { Clock, Deferred, Duration, Effect, Option, Random, Result } from "effect"
import { ValkeyClient, type ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { lacksRight, troubleOf } from "./connectionTrouble.ts"
import { rightsTo } from "./rights.ts"
import { lookAtServers } from "./serverLooks.ts"
import { verdictsOn } from "./serverVerdicts.ts"
import { advise, at, type Judgement, ok, problem, unknown, type Verdict } from "./Verdict.ts"

export type { Verdict } from "./Verdict.ts"

/**
 * The options of `examine`.
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/cli.md
 */
export interface DoctorOptions {
  /** The user must have rights to all final keys that begin with this text. Default: `""`. */
  readonly prefix?: string | undefined
}

/** The time that the server may take to say that it announces changes. */
const patience = Duration.seconds(10)

/**
 * Looks at the connection, at the rights of the user, at clocks and latency, at the announcing of changes, and at the
 * settings of each server that matter to a cache. It changes nothing, costs some forty commands, and never fails: where
 * there is no connection, the only verdict says why. Of several servers each is looked at.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Doctor, ValkeyMemory } from "effect-vcache"
 *
 * const verdicts = Effect.runSync(Effect.provide(Doctor.examine({ prefix: "shop:" }), ValkeyMemory.layer()))
 * for (const { finding, status } of verdicts) console.log(`${status}: ${finding}`)
 * // => advice: The store is in the memory of this process: no other process shares it.
 * ```
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/cli.md
 */
export const examine = ({ prefix = "" }: DoctorOptions = {}): Effect.Effect<
  ReadonlyArray<Verdict>,
  never,
  ValkeyClient
> =>
  Effect.flatMap(ValkeyClient, (client) =>
    client.topology === "memory"
      ? Effect.succeed([at("connection")(inMemory)])
      : Effect.matchEffect(client.send("PING", []), {
          onSuccess: () => examineServers(client, prefix),
          // A user that may not PING has a connection all the same.
          onFailure: (error) =>
            lacksRight(error)
              ? examineServers(client, prefix)
              : examineRest(client, at("connection", "node" in error ? error.node : undefined)(troubleOf(error)))
        })
  )

const inMemory = advise(
  "The store is in the memory of this process: no other process shares it.",
  "Use the URL of a server if processes should share values, locks or sessions."
)

/**
 * Returns the worst status of all: `"problem"` before `"advice"`, `"unknown"` and `"ok"`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Doctor, ValkeyMemory } from "effect-vcache"
 *
 * const verdicts = Effect.runSync(Effect.provide(Doctor.examine(), ValkeyMemory.layer()))
 * console.log(Doctor.worst(verdicts))
 * // => advice
 * ```
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/cli.md
 */
export const worst = (verdicts: ReadonlyArray<Verdict>): Verdict["status"] =>
  (["problem", "advice", "unknown"] as const).find((status) => verdicts.some((verdict) => verdict.status === status)) ??
  "ok"

/**
 * Returns one sentence about all of them: the first of the worst, and how many more there are of its kind.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Doctor, ValkeyMemory } from "effect-vcache"
 *
 * const verdicts = Effect.runSync(Effect.provide(Doctor.examine(), ValkeyMemory.layer()))
 * console.log(Doctor.summary(verdicts))
 * // => Advice: The store is in the memory of this process: no other process shares it.
 * ```
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/cli.md
 */
export const summary = (verdicts: ReadonlyArray<Verdict>): string => {
  const status = worst(verdicts)
  const found = verdicts.filter((verdict) => verdict.status === status)
  const [first] = found
  if (status === "ok" || first === undefined) return "Good: nothing needs to be done."
  const more = found.length === 1 ? "" : ` (and ${found.length - 1} more of this kind)`
  return `${{ problem: "Problem", advice: "Advice", unknown: "Unknown" }[status]}: ${first.finding}${more}`
}

const examineServers = (client: ValkeyClientShape, prefix: string): Effect.Effect<ReadonlyArray<Verdict>> =>
  Effect.gen(function* () {
    const token = `effect-vcache-doctor-${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`
    const own = yield* Effect.all([
      Effect.succeed(at("connection")(ok("The server answers."))),
      Effect.map(latencyOf(client), at("latency")),
      Effect.map(clocksOf(client), at("clocks")),
      Effect.map(rightsTo(client, prefix, token), at("rights")),
      Effect.map(trackingOf(client, prefix + token), at("tracking"))
    ])
    return [...own, ...(yield* examineSettings(client))]
  })

/** Where a server of several is away, the others are looked at, and each that is away is named. */
const examineRest = (client: ValkeyClientShape, trouble: Verdict): Effect.Effect<ReadonlyArray<Verdict>> =>
  Effect.match(lookAtServers(client), {
    onSuccess: (looks) =>
      [...looks.values()].some(({ info }) => Result.isSuccess(info)) ? verdictsOn(client.topology, looks) : [trouble],
    onFailure: () => [trouble]
  })

/** The median of five: the first one may wait for a connection. */
const latencyOf = (client: ValkeyClientShape): Effect.Effect<Judgement> =>
  Effect.match(
    Effect.forEach([1, 2, 3, 4, 5], () => Effect.timed(client.send("EXISTS", ["effect-vcache-doctor"]))),
    {
      onFailure: (error) => unknown(`The latency could not be measured: ${error.message}.`),
      onSuccess: (all) => {
        const millis = all.map(([time]) => Duration.toMillis(time)).toSorted((a, b) => a - b)[2] ?? 0
        const finding = `A command takes ${millis.toFixed(1)} ms.`
        return millis < 5
          ? ok(finding)
          : advise(finding, "Bring the program and the server closer together, or use the near cache.")
      }
    }
  )

/** Instants of values that can become stale are those of the processes, so that their clocks have to agree. */
const clocksOf = (client: ValkeyClientShape): Effect.Effect<Judgement> =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    const reply = yield* client.send("TIME", [])
    const after = yield* Clock.currentTimeMillis
    const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : []
    if (seconds === undefined || micros === undefined) return unknown("The server does not tell its time.")
    const server = seconds * 1000 + micros / 1000
    const apart = Math.max(0, before - server, server - after)
    return apart < 1000
      ? ok("The clocks of this machine and of the server agree within a second.")
      : problem(
          `The clocks of this machine and of the server are ${(apart / 1000).toFixed(1)} seconds apart.`,
          "Synchronize both with NTP. Values become stale too early or too late by this difference."
        )
  }).pipe(Effect.catch((error) => Effect.succeed(unknown(`The clocks could not be compared: ${error.message}.`))))

const trackingOf = (client: ValkeyClientShape, prefix: string): Effect.Effect<Judgement> =>
  Effect.scoped(
    Effect.gen(function* () {
      const told = yield* Deferred.make<Judgement>()
      yield* client.invalidations({ prefixes: [prefix] }, (event) => {
        if (event._tag === "Live") {
          Deferred.doneUnsafe(
            told,
            Effect.succeed(ok("The server announces changes of keys, as near caches need them."))
          )
        } else if (event._tag === "Down") {
          const finding = `Changes of keys are not announced: ${event.reason}.`
          Deferred.doneUnsafe(told, Effect.succeed(advise(finding, "Without them there is no near cache.")))
        }
      })
      const found = yield* Effect.timeoutOption(Deferred.await(told), patience)
      return Option.getOrElse(found, () =>
        unknown("The server did not say within 10 seconds whether it announces changes.")
      )
    })
  )

/** The verdicts of the table about each server. It costs an INFO and a CONFIG GET of each. */
const examineSettings = (client: ValkeyClientShape): Effect.Effect<ReadonlyArray<Verdict>> =>
  Effect.match(lookAtServers(client), {
    onSuccess: (looks) => verdictsOn(client.topology, looks),
    onFailure: (error) => [at("info")(unknown(`The servers could not be examined: ${error.message}.`))]
  })
