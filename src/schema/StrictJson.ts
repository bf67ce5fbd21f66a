/** JSON that refuses what it would change. */

/** The value's JSON text; throws a `TypeError` that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown): string => {
  // First, because it is what notices cycles.
  const text = JSON.stringify(value)
  const found = alteration(value)
  if (found !== undefined) throw new TypeError(`JSON cannot hold ${found.what}${at(found.path)} unchanged`)
  return text
}

/** What JSON would not give back as it is, and where. */
interface Alteration {
  readonly what: string
  /** Innermost first. */
  readonly path: Array<string>
}

const at = (path: ReadonlyArray<string>): string => (path.length === 0 ? "" : ` at ${path.toReversed().join("")}`)

const alteration = (value: unknown): Alteration | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined
    case "number":
      if (!Number.isFinite(value)) return refuse("a number that is not finite")
      return value === 0 && Object.is(value, -0) ? refuse("negative zero") : undefined
    case "object":
      if (value === null) return undefined
      return Array.isArray(value) ? inArray(value) : inObject(value)
    default:
      return refuse(typeof value)
  }
}

const refuse = (what: string): Alteration => ({ what, path: [] })

const inArray = (array: ReadonlyArray<unknown>): Alteration | undefined => {
  for (let i = 0; i < array.length; i++) {
    const found = alteration(array[i])
    if (found !== undefined) return inside(found, `[${i}]`)
  }
  return Object.keys(array).length === array.length ? undefined : refuse("an array with properties")
}

const inObject = (object: object): Alteration | undefined => {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return refuse(`a ${className(object)}`)
  const properties = object as Readonly<Record<string, unknown>>
  for (const name in properties) {
    const found = alteration(properties[name])
    if (found !== undefined) return inside(found, `.${name}`)
  }
  return Object.getOwnPropertySymbols(object).length === 0 ? undefined : refuse("a property with a symbol key")
}

const inside = (found: Alteration, step: string): Alteration => {
  found.path.push(step)
  return found
}

const className = (object: object): string => object.constructor?.name ?? "class instance"
