/** HTML from templates. The value of a hole is escaped, unless it is HTML itself. */

/** Only this file creates instances. */
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

/** Controls, bidirectional marks and line separators would make a key look like another. */
const misleading =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const withEntities = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)

/** Misleading characters are shown as escapes. */
const shown = (text: string): string =>
  withEntities(text).replace(misleading, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The text unchanged, for values that nobody sees and a form sends back. */
export const exact = (text: string): Html => new Html(withEntities(text))

const filled = (hole: Hole): string => {
  if (hole === undefined) return ""
  if (hole instanceof Html) return hole.text
  if (typeof hole === "string") return shown(hole)
  if (typeof hole === "number") return String(hole)
  return hole.map(({ text }) => text).join("")
}

/** Holes must stand in text or in quoted attributes. */
export const html = (parts: TemplateStringsArray, ...holes: ReadonlyArray<Hole>): Html =>
  new Html(parts.map((part, at) => part + (at < holes.length ? filled(holes[at]) : "")).join(""))
