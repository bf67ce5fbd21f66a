/** The script of the overview: it draws what the server tells each second. Nothing it is told becomes HTML. */
export const script = `"use strict"
const kept = 120
const charts = [...document.querySelectorAll("[data-cache]")].flatMap((box) => {
  box.hidden = false
  return [...box.querySelectorAll("figure")].map((figure) => ({
    cache: box.dataset.cache,
    unit: figure.dataset.unit,
    output: figure.querySelector("output"),
    lines: figure.dataset.lines.split(" ").map((name, at) => ({
      name,
      path: figure.querySelectorAll("path")[at],
      values: []
    }))
  }))
})

const inBytes = (bytes) => {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return (bytes / 1024 ** power).toFixed(power && 1) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][power]
}
const words = {
  percent: (value) => value.toFixed(1) + " %",
  "each second": (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en")) + "/s",
  milliseconds: (value) => (value < 10 ? value.toFixed(2) : Math.round(value)) + " ms",
  bytes: inBytes
}

const drawn = (values, highest) => {
  let line = ""
  let isDown = false
  values.forEach((value, at) => {
    if (value === null) return void (isDown = false)
    const y = 38 - 36 * (highest === 0 ? 0 : value / highest)
    line += (isDown ? "L" : "M") + (at + kept - values.length) + "," + y.toFixed(1)
    isDown = true
  })
  return line
}

const show = (all) => {
  for (const { cache, lines, output, unit } of charts) {
    const figures = all[cache]
    for (const line of lines) {
      line.values.push(figures ? figures[line.name] : null)
      if (line.values.length > kept) line.values.shift()
    }
    const now = lines.map(({ values }) => values.at(-1))
    output.textContent = now.every((value) => value === null)
      ? "none"
      : now.map((value) => (value === null ? "none" : words[unit](value))).join(", ")
    const highest = unit === "percent" ? 100 : Math.max(...lines.flatMap(({ values }) => values.map(Number)))
    for (const { path, values } of lines) path.setAttribute("d", drawn(values, highest))
  }
}

if (charts.length > 0) {
  const events = new EventSource(document.currentScript.dataset.events)
  events.onmessage = ({ data }) => show(JSON.parse(data))
}
`
