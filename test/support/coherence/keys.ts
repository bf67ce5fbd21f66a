/** The keys of a torture, by number. The first ones are read most. */

/** Those that only faults change. */
export const faultKeys: ReadonlyArray<number> = Array.from({ length: 12 }, (_, i) => i)

/** Those that change all the time. */
export const restlessKeys: ReadonlyArray<number> = Array.from({ length: 28 }, (_, i) => 12 + i)

/** All that the writer writes. */
export const keysOfOthers: ReadonlyArray<number> = [...faultKeys, ...restlessKeys]

/** Those that a reader writes, and all read. */
export const ownKeysOf = (reader: number): ReadonlyArray<number> =>
  Array.from({ length: 4 }, (_, i) => 1000 + 10 * reader + i)

export const prefix = "coherence"

export const keyName = (key: number): string => `k${key}`

/** As servers know it. */
export const finalName = (key: number): string => `${prefix}:1:${keyName(key)}`
