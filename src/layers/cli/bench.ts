/** `effect-vcache bench`. */
import { Clock, Duration, Effect, Random } from "effect"
import { Command, Flag } from "effect/cli"
import type { CommandError } from "../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { CliFailure } from "./CliFailure.ts"
import { connected } from "./root.ts"
import { table } from "./text.ts"

/** Keys that are written and read. */
const keyCount = 100
/** The keys live for this many milliseconds, in case the command is killed. */
const lifetime = 60_000

interface Measurement {
  readonly command: string
  readonly operations: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** `concurrency` fibers send one command after the other, for `millis` milliseconds. */
const measured = (
  name: string,
  concurrency: number,
  millis: number,
  send: (at: number) => Effect.Effect<unknown, CommandError>
): Effect.Effect<Measurement, CommandError> =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const start = yield* Clock.currentTimeMillis
    const worker = (first: number) =>
      Effect.gen(function* () {
        for (let at = first; (yield* Clock.currentTimeMillis) - start < millis; at++) {
          const [took] = yield* Effect.timed(send(at % keyCount))
          times.push(Duration.toMillis(took))
        }
      })
    yield* Effect.forEach(
      Array.from({ length: concurrency }, (_, at) => at),
      worker,
      {
        concurrency: "unbounded",
        discard: true
      }
    )
    const seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
    const sorted = times.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0
    return { command: name, operations: times.length, perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) }
  })

const run = (client: ValkeyClientShape, concurrency: number, bytes: number, millis: number) =>
  Effect.gen(function* () {
    const token = (yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)
    const keys = Array.from({ length: keyCount }, (_, at) => `effect-vcache-bench:${token}:${at}`)
    const key = (at: number) => keys[at] ?? ""
    const value = "x".repeat(bytes)
    const work = Effect.gen(function* () {
      const set = yield* measured("SET", concurrency, millis, (at) =>
        client.send("SET", [key(at), value, "PX", lifetime])
      )
      const get = yield* measured("GET", concurrency, millis, (at) => client.send("GET", [key(at)]))
      return [set, get]
    })
    return yield* Effect.ensuring(
      work,
      Effect.ignore(client.pipeline(keys.map((key) => ({ name: "UNLINK", args: [key] }))))
    )
  })

export const bench = Command.make(
  "bench",
  {
    seconds: Flag.Int("seconds").pipe(Flag.withDescription("For each command"), Flag.withDefault(3)),
    concurrency: Flag.Int("concurrency").pipe(Flag.withDescription("Commands in flight at once"), Flag.withDefault(50)),
    bytes: Flag.Int("bytes").pipe(Flag.withDescription("Bytes of a value"), Flag.withDefault(100))
  },
  ({ bytes, concurrency, seconds }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        if (seconds < 1 || concurrency < 1 || concurrency > 10_000 || bytes < 0 || bytes > 1024 * 1024) {
          return yield* new CliFailure({
            code: 2,
            message:
              "--seconds and --concurrency must be above 0, --concurrency at most 10000, --bytes at most 1048576."
          })
        }
        const measurements = yield* run(client, concurrency, bytes, 1000 * seconds)
        if (output.isJson) return yield* Effect.forEach(measurements, output.json, { discard: true })
        const rows = measurements.map(({ command, p50, p99, perSecond }) => [
          command,
          `${Math.round(perSecond)}/s`,
          `p50 ${p50.toFixed(2)} ms`,
          `p99 ${p99.toFixed(2)} ms`
        ])
        return yield* Effect.forEach(table(rows), output.line, { discard: true })
      })
    )
).pipe(
  Command.withDescription(
    "Sends SET and GET as fast as the server and this machine allow, over one connection, with its own keys, which it deletes at the end. It slows other clients down"
  )
)
