/** How the pages look: in light and dark, on a phone and on a wide screen. */
export const styleSheet = `:root {
  color-scheme: light dark;
  --text: light-dark(#1b1f24, #e6e8eb);
  --soft: light-dark(#505a66, #a9b3bf);
  --page: light-dark(#f6f7f9, #14171a);
  --card: light-dark(#ffffff, #1d2126);
  --line: light-dark(#cdd3da, #3a424b);
  --link: light-dark(#0b57b0, #82b8ff);
  --good: light-dark(#1a6b35, #6fd492);
  --warn: light-dark(#7a4b00, #f0bf5e);
  --bad: light-dark(#a3141e, #ff9a9a);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--card); padding: 0.5rem; }
header { background: var(--card); border-bottom: 1px solid var(--line); padding: 0.75rem 1rem; display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: baseline; }
header strong { font-size: 1.1rem; }
nav { display: flex; gap: 1rem; }
nav a[aria-current] { font-weight: 600; text-decoration: none; color: var(--text); border-bottom: 3px solid var(--link); }
.visitor { margin-left: auto; color: var(--soft); }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0.75rem 0 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; padding: 1rem; margin: 1rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 45%), 1fr)); gap: 0.75rem; margin: 0.75rem 0; }
dt { color: var(--soft); font-size: 0.875rem; }
dd { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
.groups { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 0.75rem 2rem; margin: 0.75rem 0; align-items: start; }
.groups h3 { margin: 0; border-bottom: 1px solid var(--line); }
.groups dl { display: block; margin: 0.25rem 0 0; }
.groups dl > div { display: flex; justify-content: space-between; gap: 1rem; padding: 0.1rem 0; }
.groups dd { font-size: 1rem; text-align: right; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tbody tr:last-child > * { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; font-size: 0.875rem; }
tbody th { color: inherit; font-size: inherit; font-weight: 400; }
pre { overflow: auto; max-height: 40rem; margin: 0.5rem 0; padding: 0.75rem; background: var(--page); border: 1px solid var(--line); border-radius: 0.25rem; white-space: pre-wrap; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; }
label { display: grid; gap: 0.25rem; color: var(--soft); font-size: 0.875rem; }
input, select, textarea, button { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--soft); border-radius: 0.25rem; padding: 0.4rem 0.6rem; min-height: 2.5rem; max-width: 100%; }
input[type="checkbox"] { min-height: 1.5rem; width: 1.5rem; margin: 0; }
button { cursor: pointer; font-weight: 600; }
textarea { width: 100%; font-family: ui-monospace, monospace; font-size: 0.9rem; }
label.wide { flex: 1 1 100%; }
.danger { color: var(--bad); border-color: var(--bad); }
.hidden, caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.actions { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: end; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.75rem; margin: 0.75rem 0; }
.charts[hidden] { display: none; }
figure { margin: 0; padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: 0.25rem; }
figcaption { display: flex; justify-content: space-between; gap: 0.5rem; color: var(--soft); font-size: 0.875rem; }
figcaption output { color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: 3rem; margin-top: 0.25rem; }
path { fill: none; stroke: var(--link); stroke-width: 2; vector-effect: non-scaling-stroke; }
path + path { stroke: var(--warn); stroke-dasharray: 4 3; }
.further { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
.further p { margin: 0; }
.chosen { margin: 0; padding-left: 1.25rem; max-height: 30rem; overflow: auto; width: 100%; overflow-wrap: anywhere; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.forms form, .forms details { display: inline-flex; margin: 0 0.5rem 0.15rem 0; vertical-align: middle; }
.forms details { display: inline-block; }
.forms details[open] { display: block; margin: 0.15rem 0 0.5rem; }
.actions > form { margin: 0; }
.forms button { min-height: 2rem; padding: 0.2rem 0.5rem; }
section > table + form, section > form + form:not(.actions > *) { margin-top: 1rem; }
section > :first-child { margin-top: 0; }
section > :last-child { margin-bottom: 0; }
details > summary { cursor: pointer; padding: 0.35rem 0; }
.ok { color: var(--good); }
.advice { color: var(--warn); }
.problem { color: var(--bad); }
.unknown, .note { color: var(--soft); }
.note { font-size: 0.9rem; }
@media (min-width: 40.01rem) {
  td[data-label="Type"], td[data-label="Lives"], td[data-label="Size"], td[data-label="Memory"], td[data-label="Format"], td[data-label="Took"], td[data-label="When"], thead th, th.ok, th.advice, th.problem, th.unknown, td[data-label="Check"], td[data-label="Server"] { white-space: nowrap; }
}
@media (max-width: 40rem) {
  header { padding: 0.5rem 1rem 0; gap: 0.25rem 1rem; }
  nav { order: 1; width: 100%; flex-wrap: wrap; gap: 0 1rem; padding-bottom: 0.25rem; }
  nav a { padding: 0.3rem 0; }
  main { padding: 0.5rem 0.75rem; }
  section { padding: 0.75rem; }
  h1 { font-size: 1.3rem; }
  form > label { flex: 1 1 11rem; }
  label > input, label > select { width: 100%; }
  thead { position: absolute; left: -100rem; }
  tr { display: block; border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
  tbody tr:last-child { border-bottom: 0; }
  tbody th, tbody td { display: block; border: 0; padding: 0.1rem 0; }
  tbody td[data-label] { display: inline-block; margin-right: 1rem; }
  tbody td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  tr:has(> .choice) { position: relative; padding-left: 2.25rem; }
  tbody td.choice { position: absolute; left: 0; }
}
`
