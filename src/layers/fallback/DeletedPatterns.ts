/** What was deleted by patterns. Equal ones count once; where there are too many, one takes the place of all. */
import { escapeGlob } from "../../schema/key.ts"
import type { ScanOptions } from "../../services/ValkeyClient.ts"

/** Which keys to scan for, and which of those to delete. */
export interface Deletion {
  readonly match: string | undefined
  readonly deletes: (key: string) => boolean
}

const maxPatterns = 1000

/** Functions that say which of one pattern's keys are meant; where there are more, all of its keys are. */
const maxOwners = 8

type Owner = NonNullable<ScanOptions["deletes"]>
const everything: Owner = () => true

export class DeletedPatterns {
  #owners = new Map<string | undefined, ReadonlySet<Owner>>()

  get isEmpty(): boolean {
    return this.#owners.size === 0
  }

  /** Whether they became too many, so that now all is to be deleted that begins as all of them do. */
  add({ deletes, match }: Deletion): boolean {
    const known = this.#owners.get(match) ?? new Set()
    const owners = new Set([...known, deletes])
    this.#owners.set(match, owners.size > maxOwners ? new Set([everything]) : owners)
    if (this.#owners.size <= maxPatterns) return false
    const lead = commonLead([...this.#owners.keys()].map((pattern) => leadOf(pattern ?? "*")))
    this.#owners = new Map([[`${escapeGlob(lead)}*`, new Set([everything])]])
    return true
  }

  clear(): void {
    this.#owners.clear()
  }

  all(): ReadonlyArray<Deletion> {
    return [...this.#owners].flatMap(([match, owners]) => [...owners].map((deletes) => ({ match, deletes })))
  }
}

/** The text that all keys of a pattern begin with. */
export const leadOf = (pattern: string): string => {
  let lead = ""
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    if (character === "*" || character === "?" || character === "[") break
    lead += character === "\\" ? (pattern[++i] ?? character) : character
  }
  return lead
}

const commonLead = ([first = "", ...more]: ReadonlyArray<string>): string => {
  let length = first.length
  for (const other of more) while (!other.startsWith(first.slice(0, length))) length--
  return first.slice(0, length)
}
