/** `Cache-Control`, and the `CDN-Cache-Control` of RFC 9213, which is a structured field and stricter. */

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const quoted = '"(?:[^"\\\\]|\\\\.)*"'
const directive = new RegExp(`^(${token})(?:=(${quoted}|[^\\s"]*))?$`)
/** A member of a dictionary: a key, a bare item or an inner list of them, and parameters. */
const bare = `(?:-?\\d{1,15}(?:\\.\\d{1,3})?|${quoted}|[A-Za-z*][!#$%&'*+\\-.^_\`|~0-9A-Za-z:/]*|\\?[01]|:[A-Za-z0-9+/=]*:)`
const parameters = `(?:;[ ]*[a-z*][a-z0-9_\\-.*]*(?:=${bare})?)*`
const innerList = `\\([^()]*\\)`
const member = new RegExp(`^([a-z*][a-z0-9_\\-.*]*)(?:=(${bare}|${innerList}))?${parameters}$`)

/** Parts between commas that stand outside of quotes. */
const listMembers = new RegExp(`(?:${quoted}|[^",])+`, "g")

/** Larger numbers mean this one (RFC 9111, section 1.2.2). Seconds. */
const mostSeconds = 2 ** 31

/** Directives by their names in lower case, each with all of its values. */
export class Directives {
  readonly #values: ReadonlyMap<string, ReadonlyArray<string>>

  constructor(values: ReadonlyMap<string, ReadonlyArray<string>>) {
    this.#values = values
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** Undefined where it is not there; zero where it is and has no number. Of several the least. */
  seconds(name: string): number | undefined {
    const values = this.#values.get(name)
    if (values === undefined) return undefined
    return Math.min(...values.map((value) => (/^\d+$/.test(value) ? Math.min(Number(value), mostSeconds) : 0)))
  }
}

export const noDirectives = new Directives(new Map())

/** What is no directive is ignored. */
export const parseDirectives = (header: string | undefined): Directives => {
  if (header === undefined) return noDirectives
  const values = new Map<string, Array<string>>()
  for (const part of header.match(listMembers) ?? []) {
    const parsed = directive.exec(part.trim())
    if (parsed === null) continue
    const name = (parsed[1] ?? "").toLowerCase()
    const known = values.get(name) ?? []
    known.push((parsed[2] ?? "").replace(/^"(.*)"$/, "$1"))
    values.set(name, known)
  }
  return new Directives(values)
}

/** Undefined where it is empty, or any part of it is malformed: then `Cache-Control` counts. */
export const parseTargeted = (header: string | undefined): Directives | undefined => {
  if (header === undefined) return undefined
  const values = new Map<string, ReadonlyArray<string>>()
  for (const part of header.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)) {
    const parsed = member.exec(part.trim())
    if (parsed === null) return undefined
    const [, name = "", value = ""] = parsed
    // "?0" says that it is not so.
    if (value === "?0") values.delete(name)
    else values.set(name, [value])
  }
  return values.size === 0 ? undefined : new Directives(values)
}
