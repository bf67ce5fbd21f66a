/** Keys by which a server of a cluster is asked whether it still has its slots. */
import { slotOfKey } from "./slot.ts"

/** Of which at least one is most likely in a given slot. */
const maxTries = 100_000

/**
 * Finds a key in a slot of the server, under one of the prefixes where there can be one: whoever is not allowed the key
 * is told so before the server looks at slots.
 */
export const keyOfServer = (isOwn: (slot: number) => boolean): ((prefixes: ReadonlyArray<string>) => string) => {
  let known: string | undefined
  const isGood = (key: string): boolean => isOwn(slotOfKey(key))
  return (prefixes) => {
    if (known !== undefined && isGood(known)) return known
    const free = prefixes.find((prefix) => !hasTag(prefix))
    // All keys under a prefix with a tag are in its slot.
    known = free === undefined ? prefixes.map((prefix) => `${prefix}near`).find(isGood) : undefined
    for (let n = 0; known === undefined && n < maxTries; n++) {
      const key = `${free ?? ""}{${n}}near`
      if (isGood(key)) known = key
    }
    return known ?? `${free ?? ""}near`
  }
}

const hasTag = (prefix: string): boolean => slotOfKey(`${prefix}{0}`) === slotOfKey(`${prefix}{1}`)
