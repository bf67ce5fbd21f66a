/** The first page: each cache, its servers, and the verdicts on them. */
import { Duration, Effect, Metric, Option, Result } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { NearState } from "../../../schema/NearState.ts"
import { countOf } from "../../inspection/info.ts"
import type { ServerLook } from "../../inspection/serverLooks.ts"
import { verdictsOn } from "../../inspection/serverVerdicts.ts"
import { hitRate, roleOf } from "../../inspection/serverWords.ts"
import type { SharedLooks } from "../../inspection/SharedLooks.ts"
import { inBytes, lifetime, percent } from "../../inspection/words.ts"
import { liveCharts } from "../charts/charts.ts"
import { countedIn, type Snapshot } from "../charts/counted.ts"
import { figure, frame, table, trouble } from "../kernel/frame.ts"
import { html, type Html } from "../kernel/Html.ts"
import { verdictTable } from "./verdicts.ts"
import { addressOf, type ShownCache, type Visit } from "../kernel/Visit.ts"

const serverRow = ([server, { info: answer }]: readonly [string, ServerLook]): Html => {
  if (Result.isFailure(answer)) {
    return html`<tr>
      <th scope="row">${server}</th>
      <td class="problem" colspan="${serverColumns.length - 1}">✗ ${answer.failure.message}</td>
    </tr>`
  }
  const info = answer.success
  const limit = countOf(info, "maxmemory")
  const memory = `${inBytes(countOf(info, "used_memory"))}${limit === 0 ? "" : ` of ${inBytes(limit)}`}`
  return html`<tr>
    <th scope="row">${server}</th>
    <td data-label="Role">${roleOf(info)}</td>
    <td data-label="Up for">${lifetime(1000 * countOf(info, "uptime_in_seconds"))}</td>
    <td data-label="Operations each second">${info.get("instantaneous_ops_per_sec") ?? "?"}</td>
    <td data-label="Hit rate">${hitRate(info)}</td>
    <td data-label="Memory">${memory}</td>
    <td data-label="Evicted">${info.get("evicted_keys") ?? "?"}</td>
    <td data-label="Clients">${info.get("connected_clients") ?? "?"}</td>
  </tr>`
}

const serverColumns = ["Server", "Role", "Up for", "Operations/s", "Hit rate", "Memory", "Evicted", "Clients"]

const nearWords = (state: NearState): string => {
  switch (state._tag) {
    case "Off":
      return "off"
    case "Down":
      return `down: ${state.reason}`
    case "Live":
      return `live, ${state.entries} entries, ${inBytes(state.bytes)}`
  }
}

const hitRateWords = (metrics: Snapshot, name: string): string => {
  const hits = countedIn(metrics, name, "hits")
  const misses = countedIn(metrics, name, "misses")
  if (hits === undefined && misses === undefined) return "not counted here"
  const reads = (hits ?? 0) + (misses ?? 0)
  const share = percent(hits ?? 0, reads)
  return share === undefined ? "no read yet" : `${share} of ${reads === 1 ? "1 read" : `${reads} reads`}`
}

/** Caches over one client have its servers in common. Only the first of these caches shows them. */
const serversOf = (visit: Visit, shown: ShownCache, looks: SharedLooks): Effect.Effect<Html> => {
  const { client } = shown.cache
  if (client.topology === "memory") {
    return Effect.succeed(html`<p class="note">The store is in the memory of this process.</p>`)
  }
  const first = visit.caches.find(({ cache }) => cache.client === client)
  if (first !== undefined && first !== shown) {
    return Effect.succeed(html`<p class="note">Its servers are those of ${first.name}.</p>`)
  }
  return Effect.match(looks.recent(client), {
    onSuccess: (servers) =>
      html`${verdictTable(verdictsOn(client.topology, servers))}
        <h3>Servers</h3>
        ${table("Servers", serverColumns, [...servers].map(serverRow))}`,
    onFailure: (error: CommandError) => trouble(error.message)
  })
}

const cacheSection = (visit: Visit, shown: ShownCache, looks: SharedLooks): Effect.Effect<Html> =>
  Effect.gen(function* () {
    const { cache, name } = shown
    const [health, near, servers, metrics] = yield* Effect.all(
      [cache.health, cache.near, serversOf(visit, shown, looks), Metric.snapshot],
      { concurrency: "unbounded" }
    )
    const { prefix, version } = cache.options
    const state = health.ready
      ? html`<p class="ok">✓ It answers, in ${Duration.toMillis(health.latency).toFixed(1)} ms.</p>`
      : trouble(Option.match(health.error, { onNone: () => "It does not answer.", onSome: ({ message }) => message }))
    return html`<section aria-label="${name}">
      <h2>${name}</h2>
      ${state}
      <dl>
        ${figure("Topology", cache.client.topology)} ${figure("Prefix", prefix === "" ? "none" : prefix)}
        ${figure("Version", String(version))} ${figure("Hit rate of this process", hitRateWords(metrics, name))}
        ${figure("Lookups", String(countedIn(metrics, name, "lookups") ?? 0))}
        ${figure("Failed lookups", String(countedIn(metrics, name, "lookup_failures") ?? 0))}
        ${figure("Stale values served", String(countedIn(metrics, name, "stale_served") ?? 0))}
        ${figure("Near cache", nearWords(near))}
      </dl>
      ${liveCharts(name)}
      <p><a href="${addressOf(visit.path, "keys", { c: name })}">Keys of ${name}</a></p>
      ${servers}
    </section>`
  })

export const overview = (visit: Visit, looks: SharedLooks): Effect.Effect<Html> =>
  Effect.map(
    Effect.forEach(visit.caches, (cache) => cacheSection(visit, cache, looks), { concurrency: 4 }),
    (sections) =>
      frame(
        visit,
        "Overview",
        "overview",
        html`${sections}
          <script src="${visit.path}/admin.js" data-events="${visit.path}/events" defer></script>`
      )
  )
