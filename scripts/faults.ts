/**
 * What callers see when servers fail: every fault is made while operations run at a steady rate, half of them reads
 * and half writes, with the default timeouts. Writes docs/faults.md. `npm run faults`
 */
import { Effect, Layer, Result, type Scope } from "effect"
import { CacheLive, CacheService, ValkeyUrl } from "effect-vcache"
import { startCluster } from "../test/support/ClusterFleet.ts"
import { until } from "../test/support/until.ts"
import { longestGap, type Outcome, slowest, startLoad } from "../test/support/load.ts"
import { pause } from "../test/support/pause.ts"
import { startReplicatedServers } from "../test/support/ReplicatedServers.ts"
import { startRing } from "../test/support/RingFleet.ts"
import { startSentinelFleet } from "../test/support/SentinelFleet.ts"
import { readSigned, writeSigned } from "../test/support/signed.ts"
import { startServer } from "../test/support/ValkeyServer.ts"
import { writeHead } from "./faultsDocument.ts"

interface Setup {
  readonly url: string
  /** Makes the fault, and mends it where somebody would. */
  readonly fault: Effect.Effect<unknown>
}

/** Milliseconds between operations, and before and after the fault. */
const every = 5
const calm = 500

const onOne = (fault: (server: Effect.Success<ReturnType<typeof startServer>>) => Effect.Effect<unknown>) =>
  Effect.map(startServer(), (server): Setup => ({ url: server.url, fault: fault(server) }))

const onSentinel = (fault: (fleet: Effect.Success<ReturnType<typeof startSentinelFleet>>) => Effect.Effect<unknown>) =>
  Effect.map(startSentinelFleet({ downAfter: 1000 }), (fleet): Setup => ({ url: fleet.url, fault: fault(fleet) }))

const onCluster = (fault: (fleet: Effect.Success<ReturnType<typeof startCluster>>) => Effect.Effect<unknown>) =>
  Effect.map(startCluster({ downAfter: 500, fullCoverage: "no" }), (fleet): Setup => ({
    url: fleet.url,
    fault: fault(fleet)
  }))

const onReplicated = (
  fault: (servers: Effect.Success<ReturnType<typeof startReplicatedServers>>) => Effect.Effect<unknown>
) =>
  Effect.map(startReplicatedServers(), (servers): Setup => ({
    url: servers.map(({ url }) => url).join(","),
    fault: fault(servers)
  }))

const onRing = (
  whenDown: "fail" | "next",
  fault: (servers: Effect.Success<ReturnType<typeof startRing>>["servers"]) => Effect.Effect<unknown>
) =>
  Effect.map(startRing(), ({ servers, url }): Setup => ({ url: `${url}?whenDown=${whenDown}`, fault: fault(servers) }))

const faults: ReadonlyArray<
  readonly [topology: string, fault: string, setup: Effect.Effect<Setup, never, Scope.Scope>]
> = [
  [
    "one server",
    "killed, back after 1 s",
    onOne(({ kill, start }) => Effect.andThen(kill, Effect.andThen(pause(1000), start)))
  ],
  [
    "one server",
    "frozen for 2 s",
    onOne(({ freeze, thaw }) => Effect.andThen(freeze, Effect.andThen(pause(2000), thaw)))
  ],
  ["one server", "its connections killed", onOne(({ call }) => call("CLIENT", "KILL", "TYPE", "normal"))],
  ["one server", "paused for 300 ms", onOne(({ call }) => call("CLIENT", "PAUSE", 300, "ALL"))],
  [
    "sentinel",
    "primary killed",
    onSentinel(({ primary }) =>
      Effect.andThen(
        Effect.flatMap(primary, ({ kill }) => kill),
        pause(3500)
      )
    )
  ],
  [
    "sentinel",
    "primary frozen",
    onSentinel(({ primary }) =>
      Effect.andThen(
        Effect.flatMap(primary, ({ freeze }) => freeze),
        pause(3500)
      )
    )
  ],
  [
    "sentinel",
    "failover by an operator",
    onSentinel(({ name, sentinels }) => Effect.andThen(sentinels[0]!.call("SENTINEL", "FAILOVER", name), pause(3000)))
  ],
  ["sentinel", "all sentinels killed", onSentinel(({ sentinels }) => Effect.forEach(sentinels, ({ kill }) => kill))],
  ["cluster", "one primary killed", onCluster(({ servers }) => Effect.andThen(servers[0]!.kill, pause(3500)))],
  ["cluster", "one primary frozen", onCluster(({ servers }) => Effect.andThen(servers[0]!.freeze, pause(4000)))],
  [
    "cluster",
    "failover by an operator",
    onCluster(({ servers }) => Effect.andThen(servers[3]!.call("CLUSTER", "FAILOVER"), pause(1000)))
  ],
  [
    "cluster",
    "200 slots moved",
    onCluster(({ move, servers }) =>
      move(
        Array.from({ length: 200 }, (_, i) => i),
        servers[0]!,
        servers[1]!
      )
    )
  ],
  ["replicated", "a replica killed", onReplicated(([, replica]) => Effect.andThen(replica.kill, pause(1000)))],
  [
    "replicated",
    "primary killed, back after 1 s",
    onReplicated(([{ kill, start }]) => Effect.andThen(kill, Effect.andThen(pause(1000), start)))
  ],
  [
    "ring",
    "a server killed, back after 1 s",
    onRing("fail", ([{ kill, start }]) => Effect.andThen(kill, Effect.andThen(pause(1000), start)))
  ],
  [
    "ring, next",
    "a server killed, back after 1 s",
    onRing("next", ([{ kill, start }]) => Effect.andThen(kill, Effect.andThen(pause(1000), start)))
  ],
  [
    "ring, next",
    "a server frozen for 2 s",
    onRing("next", ([{ freeze, thaw }]) => Effect.andThen(freeze, Effect.andThen(pause(2000), thaw)))
  ]
]

const measure = (setup: Effect.Effect<Setup, never, Scope.Scope>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { fault, url } = yield* setup
      const context = yield* Layer.build(Layer.provide(CacheLive, ValkeyUrl.layer(url)))
      const cache = yield* Effect.provideContext(CacheService, context)
      const load = yield* startLoad<unknown>(
        every,
        (i) => {
          const key = `k${(i - (i % 2)) % 1000}`
          return i % 2 === 0 ? writeSigned(cache, key, "load", i) : readSigned(cache, key, "load")
        },
        () => performance.now()
      )
      yield* pause(calm)
      yield* fault
      yield* until("an answer", Effect.result(cache.has("k0")), Result.isSuccess, { atMost: 10_000 })
      yield* pause(calm)
      return yield* load.stop
    })
  )

const saw = (outcomes: ReadonlyArray<Outcome<unknown>>): string => {
  const counts = new Map<string, number>()
  for (const { result } of outcomes) {
    if (Result.isSuccess(result)) continue
    const { failure } = result
    const detail = "phase" in failure ? failure.phase : "code" in failure ? failure.code : ""
    const name = `${failure._tag} (${detail})`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts.size === 0 ? "nothing" : [...counts].map(([name, count]) => `${count} × ${name}`).join(", ")
}

const rows: Array<string> = []
for (const [topology, fault, setup] of faults) {
  const outcomes = await Effect.runPromise(measure(setup))
  const failed = outcomes.filter(({ result }) => Result.isFailure(result)).length
  const cells = [
    topology,
    fault,
    String(outcomes.length),
    String(failed),
    `${Math.round(slowest(outcomes))} ms`,
    `${Math.round(longestGap(outcomes))} ms`,
    saw(outcomes)
  ]
  rows.push(`| ${cells.join(" | ")} |`)
  console.log(rows.at(-1))
}

writeHead(
  `# Faults, measured

Written by \`npm run faults\`; do not edit. One operation each ${every} ms, reads and writes in turn, default timeouts
(\`commandTimeout\` 1 s). Sentinels count a server as down after 1 s, the cluster after 0.5 s; a ring's server is asked
once a second whether it is back. Production settings are longer, and
recovery with them. *Slowest* is the longest time that any operation took, failed ones included. *Gap* is the longest time without
any success.

| topology | fault | operations | failed | slowest | gap | callers saw |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

Every operation settled. What each failure means: [connections](connections.md#what-a-caller-sees). Why they are bounded:
[timeouts](timeouts.md).
`
)
