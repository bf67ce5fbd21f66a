/** Numbers in the replies to INFO and CONFIG GET. */

type Facts = ReadonlyMap<string, string>

/** Undefined if the server does not tell it, or if it is not a number. */
export const numberOf = (facts: Facts | undefined, name: string): number | undefined => {
  const text = facts?.get(name)
  const value = text === undefined || text === "" ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** 0 if the server does not tell it. */
export const countOf = (facts: Facts, name: string): number => numberOf(facts, name) ?? 0

/** The keys of all databases: `db0` has `keys=12,expires=3,avg_ttl=0`. */
export const keysIn = (facts: Facts): number =>
  [...facts].reduce(
    (sum, [name, text]) => sum + (/^db\d+$/.test(name) ? Number(/\bkeys=(\d+)/.exec(text)?.[1] ?? 0) : 0),
    0
  )
