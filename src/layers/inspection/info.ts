/** Numbers among what INFO and CONFIG GET tell. */

type Facts = ReadonlyMap<string, string>

/** Undefined where the server says nothing of it, or no number. */
export const numberOf = (facts: Facts | undefined, name: string): number | undefined => {
  const text = facts?.get(name)
  const value = text === undefined || text === "" ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** 0 where the server says nothing of it. */
export const countOf = (facts: Facts, name: string): number => numberOf(facts, name) ?? 0
