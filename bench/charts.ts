/** Bar charts as SVG, for light and dark pages. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** Drawn in the colour of what is compared with the others. */
  readonly isOurs: boolean
}

/** Bars that are compared with one another, and with no other group's. */
export interface Group {
  readonly title: string
  readonly bars: ReadonlyArray<Bar>
}

const width = 760
const labelWidth = 270
const valueWidth = 80
const barHeight = 16
const rowHeight = 22
const titleHeight = 30

/** Groups of horizontal bars, each group on a scale of its own. */
export const barChart = (title: string, groups: ReadonlyArray<Group>, show: (value: number) => string): string => {
  let y = 40
  const lines: Array<string> = []
  for (const { bars, title } of groups) {
    const most = Math.max(...bars.map(({ value }) => value))
    lines.push(`<text class="group" x="0" y="${y + 12}">${escaped(title)}</text>`)
    y += titleHeight - 8
    for (const { isOurs, label, value } of bars) {
      const length = Math.max(1, Math.round(((width - labelWidth - valueWidth) * value) / most))
      lines.push(
        `<text class="label" x="${labelWidth - 8}" y="${y + 12}">${escaped(label)}</text>`,
        `<rect class="${isOurs ? "ours" : "other"}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}"/>`,
        `<text class="value" x="${labelWidth + length + 6}" y="${y + 12}">${escaped(show(value))}</text>`
      )
      y += rowHeight
    }
    y += 10
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">
<title>${escaped(title)}</title>
<style>${style}</style>
<text class="title" x="0" y="18">${escaped(title)}</text>
${lines.join("\n")}
</svg>
`
}

const style = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.group { font-weight: 600 }
.label { text-anchor: end }
.ours { fill: #6f42c1 }
.other { fill: #b6bcc4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #a371f7 }
  .other { fill: #57606a }
}
`

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => (character === "&" ? "&amp;" : character === "<" ? "&lt;" : "&gt;"))
