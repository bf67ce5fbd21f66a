/** `effect-vcache stats` and `effect-vcache watch`. */
import { Duration, Effect, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { countOf, keysIn } from "../inspection/info.ts"
import { inBytes } from "../inspection/words.ts"
import { connected } from "./root.ts"
import { visible } from "./text.ts"

interface Sample {
  readonly server: string
  readonly commands: number
  readonly hits: number
  readonly misses: number
  readonly evicted: number
  readonly expired: number
  readonly keys: number
  readonly memory: number
  readonly clients: number
}

const sample = (client: ValkeyClientShape) =>
  Effect.map(client.info(), (servers) =>
    [...servers].map(([server, info]): Sample => ({
      server,
      commands: countOf(info, "total_commands_processed"),
      hits: countOf(info, "keyspace_hits"),
      misses: countOf(info, "keyspace_misses"),
      evicted: countOf(info, "evicted_keys"),
      expired: countOf(info, "expired_keys"),
      keys: keysIn(info),
      memory: countOf(info, "used_memory"),
      clients: countOf(info, "connected_clients")
    }))
  )

/** What happened between two samples of one server, each second. */
const between = (before: Sample, now: Sample, seconds: number) => {
  const rate = (name: "commands" | "evicted" | "expired") => (now[name] - before[name]) / seconds
  const hits = now.hits - before.hits
  const reads = hits + now.misses - before.misses
  return {
    server: now.server,
    operations: rate("commands"),
    hitRate: reads === 0 ? null : hits / reads,
    evicted: rate("evicted"),
    expired: rate("expired"),
    keys: now.keys,
    memory: now.memory,
    clients: now.clients
  }
}

const columns = ["ops/s", "hits", "evicted/s", "expired/s", "keys", "memory", "clients", "server"]
const widths = [9, 7, 10, 10, 10, 11, 8, 0]

const row = (cells: ReadonlyArray<string>) => cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join(" ")

/** Lines between two headings. */
const headingEvery = 20

export const stats = Command.make(
  "stats",
  {
    interval: Flag.Int("interval").pipe(Flag.withDescription("Seconds between two lines"), Flag.withDefault(1)),
    count: Flag.Int("count").pipe(
      Flag.withDescription("Lines for each server; 0 means until the command is stopped"),
      Flag.withDefault(0)
    )
  },
  ({ count, interval }) =>
    connected((client, output) =>
      Effect.gen(function* () {
        const seconds = Math.max(1, interval)
        let before = yield* sample(client)
        for (let round = 0, line = 0; count === 0 || round < count; round++) {
          yield* Effect.sleep(Duration.seconds(seconds))
          const now = yield* sample(client)
          for (const one of now) {
            const earlier = before.find(({ server }) => server === one.server)
            // A server that has joined is shown from its second sample on; one that has restarted counts anew.
            if (earlier === undefined || one.commands < earlier.commands) continue
            const change = between(earlier, one, seconds)
            if (output.isJson) {
              yield* output.json(change)
              continue
            }
            if (line++ % headingEvery === 0) yield* output.line(row(columns))
            yield* output.line(
              row([
                change.operations.toFixed(0),
                change.hitRate === null ? "-" : `${(100 * change.hitRate).toFixed(1)}%`,
                change.evicted.toFixed(0),
                change.expired.toFixed(0),
                String(change.keys),
                inBytes(change.memory),
                String(change.clients),
                change.server
              ])
            )
          }
          before = now
        }
      })
    )
).pipe(
  Command.withDescription("Prints one line a second for each server: operations, hit rate, evictions, keys, memory")
)

export const watch = Command.make(
  "watch",
  {
    prefix: Argument.String("prefix").pipe(
      Argument.withDescription("The beginning of the keys; the empty text means every key"),
      Argument.withDefault("")
    )
  },
  ({ prefix }) =>
    connected((client, output) =>
      Stream.runForEach(client.changes([prefix]), (event) => {
        if (event._tag === "Proof") return Effect.void
        if (output.isJson) return output.json(event)
        switch (event._tag) {
          case "Keys":
            return Effect.forEach(event.keys, (key) => output.line(`changed  ${visible(key)}`), { discard: true })
          case "Live":
            return output.line(`live     ${event.server} announces changes from here on`)
          case "Everything":
            return output.line(
              `changed  everything${event.server === undefined ? "" : ` on ${event.server}`}: ${event.reason}`
            )
          case "Down":
            return output.line(`down     ${event.server ?? "every server"}: ${event.reason}`)
        }
      })
    )
).pipe(
  Command.withDescription("Prints the keys that change, as the server announces them, until the command is stopped")
)
