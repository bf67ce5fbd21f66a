/**
 * A rate limit that several processes keep together. `npm run example examples/rate-limiter/main.ts`; it starts a Valkey
 * of its own.
 */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { LocalValkey } from "effect-vcache/testing"

const program = Effect.gen(function* () {
  const url = yield* LocalValkey.start
  const client = Effect.promise(() =>
    promisify(execFile)(
      process.execPath,
      ["--conditions=effect-vcache-source", join(import.meta.dirname, "client.ts")],
      { env: { ...process.env, VALKEY_URL: url } }
    )
  )
  const outputs = yield* Effect.all([client, client, client], { concurrency: "unbounded" })
  const allowed = outputs.map(({ stdout }) => Number(stdout))
  console.log("processes", allowed.length, "asked", 300)
  console.log(
    "allowed",
    allowed.reduce((sum, count) => sum + count, 0),
    "in a minute"
  )
})

await Effect.runPromise(Effect.scoped(program))

// Prints:
// processes 3 asked 300
// allowed 100 in a minute
