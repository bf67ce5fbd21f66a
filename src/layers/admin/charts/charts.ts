/** The places where the script draws its charts. Without the script they stay hidden, and the page shows its figures as text. */
import type { Figures } from "./figures.ts"
import { html, type Html } from "../kernel/Html.ts"

interface Chart {
  readonly title: string
  /** How the script writes its numbers. */
  readonly unit: "percent" | "each second" | "milliseconds" | "bytes"
  readonly lines: ReadonlyArray<keyof Figures>
}

const charts: ReadonlyArray<Chart> = [
  { title: "Hit rate", unit: "percent", lines: ["hitRate"] },
  { title: "Operations", unit: "each second", lines: ["operations"] },
  { title: "p50, p99", unit: "milliseconds", lines: ["median", "p99"] },
  { title: "Near reads", unit: "each second", lines: ["near"] },
  { title: "Memory", unit: "bytes", lines: ["memory"] },
  { title: "Evicted", unit: "each second", lines: ["evicted"] }
]

const chartOf = ({ lines, title, unit }: Chart): Html =>
  html`<figure data-lines="${lines.join(" ")}" data-unit="${unit}">
    <figcaption>${title} <output aria-live="off">…</output></figcaption>
    <svg viewBox="0 0 119 40" preserveAspectRatio="none" role="img" aria-label="${title} of the last two minutes">
      ${lines.map(() => html`<path d="" />`)}
    </svg>
  </figure>`

export const liveCharts = (cache: string): Html =>
  html`<div class="charts" data-cache="${cache}" hidden>${charts.map(chartOf)}</div>`
