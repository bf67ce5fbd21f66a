/** The page that shows it live. */
export const page = `<!doctype html>
<meta charset="utf-8">
<title>effect-vcache, live</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
  h1 { font-size: 1.3rem } table { border-collapse: collapse; width: 100% }
  td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dde3ea }
  td.number { text-align: right; font-variant-numeric: tabular-nums } button, select { font: inherit; padding: .3rem .8rem }
</style>
<h1>The same question, with and without the cache</h1>
<p>This is visit <b id="visits">…</b> of your session.</p>
<p><select id="package" aria-label="package"></select> <button id="ask">Ask</button></p>
<table>
  <thead><tr><th>asked</th><th>answer</th><th>cache says</th><th>milliseconds</th></tr></thead>
  <tbody id="answers"></tbody>
</table>
<script type="module">
  const get = (id) => document.getElementById(id)
  const ask = async (path) => {
    const started = performance.now()
    const response = await fetch(path)
    const body = await response.json()
    return { body, millis: performance.now() - started, status: response.headers.get("cache-status") ?? "none" }
  }
  const show = (path, { body, millis, status }) => {
    const row = get("answers").insertRow(0)
    const cells = [path, body.files + " files, " + body.size.toLocaleString("en") + " bytes", status, millis.toFixed(1)]
    for (const [i, text] of cells.entries()) {
      const cell = row.insertCell()
      cell.textContent = text
      if (i === 3) cell.className = "number"
    }
  }
  const { visits } = await (await fetch("/api/visits", { method: "POST" })).json()
  get("visits").textContent = visits
  const { body: names } = await ask("/api/packages")
  for (const name of names) get("package").add(new Option(name, name))
  get("package").value = "effect"
  get("ask").addEventListener("click", async () => {
    const name = encodeURIComponent(get("package").value)
    for (const path of ["/direct/packages/" + name, "/api/packages/" + name]) show(path, await ask(path))
  })
</script>
`
