/** Several processes, one lookup. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../support/ClusterFleet.ts"
import { connect, test } from "../support/faults.ts"
import { run } from "../support/runProgram.ts"
import { startServer } from "../support/ValkeyServer.ts"

const program = new URL("../support/lookupProgram.ts", import.meta.url).pathname
const processes = 4
const callers = 2500

for (const [name, start] of [
  ["one server", startServer()],
  ["a cluster", startCluster()]
] as const) {
  test(`${processes} processes with ${callers} callers each of one cold key, on ${name}: one lookup`, () =>
    Effect.gen(function* () {
      const { url } = yield* start
      const { cache } = yield* connect(url)
      // Late enough for all of them to be there.
      const startAt = performance.timeOrigin + performance.now() + 3000
      const child = Effect.promise(() =>
        run(
          process.execPath,
          ["--conditions=effect-vcache-source", program, url, "cold", String(callers), String(startAt)],
          { cwd: process.cwd() }
        )
      )
      const outcomes = yield* Effect.all(
        Array.from({ length: processes }, () => child),
        { concurrency: "unbounded" }
      )
      for (const { code, stderr, stdout } of outcomes) {
        assert.strictEqual(stderr, "")
        assert.strictEqual(code, 0)
        assert.strictEqual(stdout, "[1]")
      }
      assert.strictEqual(yield* cache.incr("{cold}:lookups", 0), 1)
    }))
}
