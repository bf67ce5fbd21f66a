/** JSON that refuses what it would change. */

/** The value's JSON text; throws a `TypeError` that names the path of the first part JSON would alter or drop. */
export const strictJson = (value: unknown): string => {
  // First, because it is what notices cycles.
  const text = JSON.stringify(value)
  const reason = alteredBy(value)
  if (reason !== undefined) throw new TypeError(reason)
  return text
}

/** Why JSON would not give the value back as it is; undefined when it would. */
const alteredBy = (value: unknown, path = ""): string | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined
    case "number":
      if (!Number.isFinite(value)) return refuse(path, "a number that is not finite")
      return Object.is(value, -0) ? refuse(path, "negative zero") : undefined
    case "object":
      if (value === null) return undefined
      return Array.isArray(value) ? arrayAlteredBy(value, path) : objectAlteredBy(value, path)
    default:
      return refuse(path, typeof value)
  }
}

const refuse = (path: string, what: string): string =>
  `JSON cannot hold ${what}${path === "" ? "" : ` at ${path}`} unchanged`

const arrayAlteredBy = (array: ReadonlyArray<unknown>, path: string): string | undefined => {
  for (let i = 0; i < array.length; i++) {
    const reason = alteredBy(array[i], `${path}[${i}]`)
    if (reason !== undefined) return reason
  }
  return Object.keys(array).length === array.length ? undefined : refuse(path, "an array with properties")
}

const objectAlteredBy = (object: object, path: string): string | undefined => {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return refuse(path, `a ${className(object)}`)
  for (const [name, value] of Object.entries(object)) {
    const reason = alteredBy(value, `${path}.${name}`)
    if (reason !== undefined) return reason
  }
  return Object.getOwnPropertySymbols(object).length === 0 ? undefined : refuse(path, "a property with a symbol key")
}

const className = (object: object): string => object.constructor?.name ?? "class instance"
