/**
 * The main job on real input: questions about the packages installed here, answered twice through the cache.
 *
 *   npm run demo                                  in memory, no server needed
 *   VALKEY_URL=valkey://localhost npm run demo    on a server
 *   npm run demo -- --server                      on a server started for the occasion
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Config, Console, Effect, FileSystem, Layer, Path, Redacted } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
import { LocalValkey } from "effect-vcache/testing"
import { questions, type Tally } from "./questions.ts"
import { type Answered, report } from "./report.ts"

const folder = Effect.map(Path.Path, (path) => path.join(import.meta.dirname, "../../node_modules"))

const timed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const started = yield* Clock.monotonicTimeNanos
  const value = yield* effect
  return { value, millis: Number((yield* Clock.monotonicTimeNanos) - started) / 1e6 }
})

const answerAll = Effect.fnUntraced(function* (root: string) {
  const rows: Array<Answered> = []
  const tally: Tally = { asked: 0, lookups: 0 }
  for (const [question, answer] of Object.entries(yield* questions(root, tally))) {
    showProgress(question)
    const { millis, value } = yield* timed(answer)
    rows.push({ question, answer: value, millis })
  }
  showProgress("")
  return { rows, tally }
})

/** One line, which the next one overwrites. Reading all packages takes a second or two. */
const showProgress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const storedBytes = Effect.gen(function* () {
  const cache = yield* CacheService
  const keys = yield* cache.keys()
  const lengths = yield* Effect.forEach(keys, (key) => cache.client.send("STRLEN", [cache.makeKey(key)]))
  return { entries: keys.length, bytes: lengths.reduce<number>((sum, length) => sum + Number(length), 0) }
})

const program = Effect.gen(function* () {
  const cache = yield* CacheService
  const root = yield* folder
  if (!(yield* (yield* FileSystem.FileSystem).exists(root))) {
    return yield* Effect.die(new Error("nothing is installed yet: npm ci"))
  }
  yield* cache.clear
  const cold = yield* answerAll(root)
  const warm = yield* answerAll(root)
  const { bytes, entries } = yield* storedBytes

  yield* Console.log(report(cold, warm, { topology: cache.client.topology, bytes, entries }))
  yield* cache.clear
})

/** The server of `--server`, else the one of VALKEY_URL, else none. */
const url = process.argv.includes("--server")
  ? Effect.map(LocalValkey.start, Redacted.make)
  : Config.withDefault(Config.Redacted("VALKEY_URL"), Redacted.make("memory://"))

const cache = Layer.provide(
  CacheLive.layer({ prefix: "demo", timeToLive: "10 minutes" }),
  Layer.unwrap(Effect.map(url, (url) => ValkeyUrl.layer(url)))
)

NodeRuntime.runMain(Effect.provide(program, [cache, NodeServices.layer]))
