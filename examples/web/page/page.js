// Shows what the server tells twice a second, and tells it which buttons were pressed.
import { drawFigure, drawLatency, kept, shown } from "./charts.js"
import { drawShelf } from "./shelf.js"

/** The looks of the last minute, one for each half second. */
const looks = []
/** The look at which something was broken or mended last. */
let since = 0

const get = (id) => document.getElementById(id)
const say = (id, text) => (get(id).textContent = text)
const count = (number) => number.toLocaleString("en")
const time = (millis) => {
  if (millis === null) return "–"
  const [value, unit] = millis < 1 ? [millis * 1000, "µs"] : millis < 1000 ? [millis, "ms"] : [millis / 1000, "s"]
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}\u202f${unit}`
}

const showRace = () => {
  // The median of the last medians: a single one jumps.
  const typical = (way) => {
    const medians = looks.slice(-6).flatMap((look) => look[way].median ?? [])
    return medians.toSorted((a, b) => a - b)[Math.floor(medians.length / 2)] ?? null
  }
  const isFailing = (way) => looks.slice(-2).every((look) => look[way].answered === 0 && look[way].failed > 0)
  const [cached, direct] = [typical("cached"), typical("direct")]
  say("cached-median", isFailing("cached") ? "fails" : time(cached))
  say("direct-median", isFailing("direct") ? "fails" : time(direct))
  say("direct-note", isFailing("direct") ? "each visitor is turned away" : "half of the visitors wait no longer")
  const times = Number((direct / cached).toPrecision(2))
  say("faster", times >= 2 && !isFailing("direct") ? `${count(times)} times faster` : "\u00a0")
}

const showFelt = () => {
  const felt = looks.filter(({ number }) => number >= since)
  const sum = (of) => felt.reduce((total, look) => total + of(look), 0)
  for (const way of ["cached", "direct"]) {
    const failed = sum((look) => look[way].failed)
    const cells = [
      count(sum((look) => look[way].answered)),
      way === "cached" ? count(sum(({ stale }) => stale)) : "–",
      count(failed),
      time(Math.max(...felt.map((look) => look[way].slowest)) || null)
    ]
    const row = get(`felt-${way}`)
    cells.forEach((text, at) => ((row.cells[at + 1] ?? row.insertCell()).textContent = text))
    row.cells[3].classList.toggle("bad", failed > 0)
  }
}

const showControls = ({ database, rate, unbreakable, valkey }) => {
  const state = (id, word) => {
    say(id, word)
    get(id).dataset.state = word
  }
  const button = (id, isBroken, [breaks, mends], [path, back]) => {
    say(id, isBroken ? mends : breaks)
    get(id).dataset.path = isBroken ? back : path
    get(id).toggleAttribute("data-mends", isBroken)
  }
  state("valkey-state", valkey)
  state("database-state", database)
  button("freeze", valkey === "frozen", ["Freeze", "Thaw"], ["/valkey/freeze", "/valkey/thaw"])
  button("kill", valkey === "killed", ["Kill", "Restart"], ["/valkey/kill", "/valkey/start"])
  button("stop", database === "stopped", ["Stop", "Start"], ["/database/stop", "/database/start"])
  get("freeze").disabled = valkey === "killed"
  get("valkey-buttons").hidden = unbreakable !== null
  get("unbreakable").hidden = unbreakable === null
  say("unbreakable", unbreakable ?? "")
  if (document.activeElement !== get("rate")) get("rate").value = rate
  say("rate-now", `${rate} / s each`)
}

const whys = {
  running: "Nearly all answers come from this process, and Valkey says when one of them has changed.",
  yours: "Nearly all answers come from this process, and your Valkey says when one of them has changed.",
  "in memory": "All answers come from this process: it is the whole cache.",
  frozen: "After 100 ms without an answer memory stands in for Valkey, and is filled like any cache.",
  killed: "Memory stands in for Valkey, and is filled like any cache.",
  stopped: "Entries past their lifetime are served all the same, until the database answers again."
}

let isDue = false
const draw = () => {
  isDue = false
  const now = looks.at(-1)
  showControls(now)
  showRace()
  showFelt()
  say("why", whys[now.database === "stopped" ? "stopped" : now.valkey])
  drawLatency(get("latency"), looks)
  say("begin", `${Math.round(shown(looks) / 2)} s ago`)
  document.querySelectorAll(".charts figure").forEach((figure) => drawFigure(figure, looks))
  drawShelf(get("shelf"), now)
}

const outages = {
  frozen: "Valkey was frozen",
  killed: "Valkey was killed",
  stopped: "the database was stopped",
  running: "it was mended"
}

new EventSource("/events").addEventListener("message", ({ data }) => {
  const look = JSON.parse(data)
  const before = looks.at(-1)
  // A browser that connects again is told the last minute again.
  if (before !== undefined && look.number <= before.number) return
  if (looks.push(look) > kept) looks.shift()
  const changed = ["valkey", "database"].find((name) => before !== undefined && before[name] !== look[name])
  if (changed !== undefined) {
    since = look.number
    say("felt-since", `What visitors have felt since ${outages[look[changed]]}`)
  }
  if (!isDue) requestAnimationFrame(draw)
  isDue = true
})

const post = async (path, done) => {
  const response = await fetch(path, { method: "POST" }).catch(() => undefined)
  say("said", response === undefined ? "The example has ended." : response.ok ? done : await response.text())
}

const outcomes = {
  "/valkey/freeze": "Valkey is frozen: it accepts connections, and answers nobody.",
  "/valkey/thaw": "Valkey goes on where it was.",
  "/valkey/kill": "Valkey is killed, and all that it held is gone.",
  "/valkey/start": "Valkey is back, and empty.",
  "/database/stop": "The database is stopped: each query fails.",
  "/database/start": "The database answers again."
}

document.addEventListener("click", ({ target }) => {
  const { aisle, path } = target.dataset
  if (path !== undefined) post(path, outcomes[path])
  if (aisle === undefined) return
  const { value } = document.querySelector("[name=mode]:checked")
  const done = value === "remove" ? "removed" : "made stale"
  post(`/prices/${aisle}/${value}`, `New prices in “${aisle}”: its entries were ${done}.`)
})

get("rate").addEventListener("input", ({ target }) => say("rate-now", `${target.value} / s each`))
get("rate").addEventListener("change", ({ target }) =>
  post(`/visitors/${target.value}`, `${target.value} visitors a second with the cache, and as many without.`)
)

const { visits } = await (await fetch("/api/visits", { method: "POST" })).json()
say(
  "visits",
  `You have opened this page ${visits === 1 ? "once" : `${visits} times`}: your session is in the cache, too.`
)
