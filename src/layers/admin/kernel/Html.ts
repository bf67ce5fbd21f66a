/** HTML of templates. Whatever stands in a hole is escaped, unless it is HTML of a template itself. */

/** Made by templates only. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Hole = string | number | undefined | Html | ReadonlyArray<Html>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Bidirectional marks and controls are shown as what they are: they would make a key look like another. */
const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
    })

const filled = (hole: Hole): string => {
  if (hole === undefined) return ""
  if (hole instanceof Html) return hole.text
  if (typeof hole === "string") return escaped(hole)
  if (typeof hole === "number") return String(hole)
  return hole.map(({ text }) => text).join("")
}

/** Holes must stand in text or in quoted attributes. */
export const html = (parts: TemplateStringsArray, ...holes: ReadonlyArray<Hole>): Html =>
  new Html(parts.map((part, at) => part + (at < holes.length ? filled(holes[at]) : "")).join(""))
