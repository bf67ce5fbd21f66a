// Lines as SVG paths over the looks of the last minute, the newest at the right.

/** Looks that are kept: a minute. */
export const kept = 120

/** How many are shown: all that there are, so that a picture is full from the beginning. */
export const shown = (looks) => Math.max(12, looks.length)

const fit = (svg, looks, rows) => svg.setAttribute("viewBox", `${kept - shown(looks)} 0 ${shown(looks) - 1} ${rows}`)

/** Runs of points between which nothing is missing. */
const runs = (points) => {
  const all = [[]]
  points.forEach((y, at) => (y === null ? all.push([]) : all.at(-1).push([at + kept - points.length, y])))
  return all.filter(({ length }) => length > 1)
}

const line = (points) => `M${points.map(([x, y]) => `${x},${y.toFixed(2)}`).join("L")}`

/** From ten seconds at the top to a microsecond: seven decades. */
const height = (millis) => 10 * (4 - Math.min(4, Math.max(-3, Math.log10(millis))))

/** p50 as a line and what lies up to p99 as a band, of both ways; and when something was broken. */
export const drawLatency = (svg, looks) => {
  fit(svg, looks, 70)
  const draw = (name, d) => svg.querySelector(name).setAttribute("d", d)
  for (const way of ["cached", "direct"]) {
    const points = (of) => looks.map(({ [way]: { [of]: millis } }) => (millis === null ? null : height(millis)))
    const lower = runs(points("median"))
    const upper = runs(points("p99"))
    draw(`.${way}.line`, lower.map(line).join(""))
    draw(`.${way}.band`, lower.map((run, at) => `${line([...run, ...upper[at].toReversed()])}Z`).join(""))
  }
  for (const [name, states] of Object.entries({ valkey: ["frozen", "killed"], database: ["stopped"] })) {
    const broken = looks.flatMap((look, at) => (states.includes(look[name]) ? [at + kept - looks.length] : []))
    draw(`.outage.${name}`, broken.map((x) => `M${x - 1},0h1v70h-1z`).join(""))
  }
}

const figures = {
  hits: ({ cached, lookups }) => (cached.answered === 0 ? null : 100 * (1 - lookups / cached.answered)),
  near: ({ cached, near }) => (cached.answered === 0 ? null : (100 * near) / cached.answered),
  // Two looks a second.
  queries: ({ queries }) => 2 * queries
}

/** One figure, with its mean over the last two seconds. */
export const drawFigure = (figure, looks) => {
  const { of, unit } = figure.dataset
  fit(figure.querySelector("svg"), looks, 40)
  const values = looks.map(figures[of])
  const highest = unit === "%" ? 100 : Math.max(20, ...values)
  const points = values.map((value) => (value === null ? null : 39 - (38 * value) / highest))
  figure.querySelector("path").setAttribute("d", runs(points).map(line).join(""))
  const now = values.slice(-4).filter((value) => value !== null)
  const mean = now.reduce((sum, value) => sum + value, 0) / now.length
  figure.querySelector("output").textContent = now.length === 0 ? "–" : `${Math.round(mean)}\u202f${unit}`
}
