/** How Keyv speaks to its stores: versions 5 and 6 call the same methods and mean different things. */

export interface KeyvEntry {
  readonly key: string
  readonly value: unknown
  /** With Keyv 5: milliseconds to live. */
  readonly ttl?: number | undefined
  /** With Keyv 6: milliseconds since 1970. */
  readonly expires?: number | undefined
}

export interface KeyvDialect {
  /** What stands before each key that Keyv gives. */
  readonly lead: (namespace: string | undefined) => string
  /** The number that tells when an entry of a batch ends. */
  readonly end: (entry: KeyvEntry) => number | undefined
  /** Milliseconds to live, of that number. */
  readonly millis: (end: number, now: number) => number
  /** What `deleteMany` tells of the keys that were there. */
  readonly deleted: (each: Array<boolean>) => boolean | Array<boolean>
}

/** What a namespace's keys begin with in the cache, whichever version writes them. */
export const namespaceLead = (namespace: string | undefined): string =>
  namespace === undefined || namespace === "" ? "" : `${namespace}:`

/** It puts the namespace before keys itself. */
export const keyv5: KeyvDialect = {
  lead: () => "",
  end: ({ ttl }) => ttl,
  millis: (timeToLive) => timeToLive,
  deleted: (each) => each.includes(true)
}

/** It leaves the namespace to the store. */
export const keyv6: KeyvDialect = {
  lead: namespaceLead,
  end: ({ expires }) => expires,
  millis: (expires, now) => expires - now,
  deleted: (each) => each
}
