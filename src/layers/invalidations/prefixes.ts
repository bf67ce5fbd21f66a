/** Sets of prefixes. A server takes no two of which one begins with the other. */

/** Whether each key under `wanted` is under `prefixes`, too. */
export const areCovered = (prefixes: ReadonlyArray<string>, wanted: ReadonlyArray<string>): boolean =>
  wanted.every((prefix) => isUnder(prefixes, prefix))

export const isUnder = (prefixes: ReadonlyArray<string>, key: string): boolean => {
  for (const prefix of prefixes) if (key.startsWith(prefix)) return true
  return false
}

/** The same keys, with each of them under one prefix. */
export const merged = (prefixes: Iterable<string>): ReadonlyArray<string> => {
  const merged: Array<string> = []
  // A prefix comes before all that begin with it.
  for (const prefix of [...new Set(prefixes)].toSorted()) if (!isUnder(merged, prefix)) merged.push(prefix)
  return merged
}
