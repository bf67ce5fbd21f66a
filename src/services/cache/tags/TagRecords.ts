/**
 * What the server keeps of the tags of one cache: a token for each tag that some entry bears, and a ledger for all of them.
 * The ledger counts invalidations, so that a lookup can tell whether a tag that it did not know before was invalidated
 * meanwhile. Its lineage is random: a ledger that was lost and begun again is told from the one before.
 */
import { digest } from "../../../schema/digest.ts"
import { type TagStamp, tagNames } from "../../../schema/TagStamp.ts"

export interface Ledger {
  readonly lineage: string
  readonly count: number
}

export interface Token {
  /** Changes with each invalidation that removes. */
  readonly hard: string
  /** Changes with each invalidation. */
  readonly soft: string
  /** What the ledger counted when the token changed last. */
  readonly count: number
  /** Of the ledger that counted it. */
  readonly lineage: string
}

/** The records of some tags at one moment. */
export interface TagRecords {
  /** The history of the server that has them: another one may have forgotten an invalidation. */
  readonly era: string
  readonly ledger: Ledger | undefined
  /** By the tags' names; undefined where there is none. */
  readonly tokens: ReadonlyMap<string, Token>
}

const ledgerForm = /^([0-9a-z]+):(\d+)$/i
const tokenForm = /^([0-9a-z]+)\.([0-9a-z]+)\.(\d+)\.([0-9a-z]+)$/i

/** Undefined where it is none: what is there is nobody's ledger. */
export const ledgerIn = (text: string): Ledger | undefined => {
  const match = ledgerForm.exec(text)
  return match === null ? undefined : { lineage: match[1] ?? "", count: Number(match[2]) }
}

export const tokenIn = (text: string): Token | undefined => {
  const match = tokenForm.exec(text)
  if (match === null) return undefined
  const [, hard = "", soft = "", count, lineage = ""] = match
  return { hard, soft, count: Number(count), lineage }
}

export const ledgerText = ({ count, lineage }: Ledger): string => `${lineage}:${count}`

export const tokenText = ({ count, hard, lineage, soft }: Token): string => `${hard}.${soft}.${count}.${lineage}`

/** 96 bits, of what is random. */
const short = (text: string): string => digest(text).slice(0, 16)

/** What an entry bears beside the names of its tags. */
export type Digests = Omit<TagStamp, "names">

/**
 * What an entry with these tags would bear if it were made now; undefined where one of the tags has no token, or one of a lost ledger: nothing
 * with these tags is to be served or stored. The names are in their normal order.
 */
export const digestsOf = (names: ReadonlyArray<string>, { era, ledger, tokens }: TagRecords): Digests | undefined => {
  if (ledger === undefined) return undefined
  let hard = ledger.lineage
  let soft = ""
  for (const name of names) {
    const token = tokens.get(name)
    if (token === undefined || token.lineage !== ledger.lineage) return undefined
    hard += `.${token.hard}`
    soft += `.${token.soft}`
  }
  return { hard: short(hard), soft: short(soft), era }
}

/** The same with the names as a header has them. */
export const stampOf = (names: ReadonlyArray<string>, records: TagRecords): TagStamp | undefined => {
  const digests = digestsOf(names, records)
  return digests && { names: tagNames(names), ...digests }
}

/** What an entry is by its tags: as it was made, invalidated but to be served while a lookup runs, or not there at all. */
export type TagVerdict = "live" | "stale" | "gone"

/** In place of a history, where it does not matter. */
export const anyEra = "*"

/** `now` is what the entry would bear if it were made now. */
export const judge = (stamp: Digests, now: Digests | undefined): TagVerdict => {
  if (now === undefined || (now.era !== stamp.era && now.era !== anyEra) || now.hard !== stamp.hard) return "gone"
  return now.soft === stamp.soft ? "live" : "stale"
}

/**
 * Whether none of the tags was invalidated since `before` was read: for tags that are known only from the value. Their
 * tokens are read after the lookup, and the ledger before it. A token that was missing meanwhile has been made anew, with
 * what the ledger counts now.
 */
export const isUntouched = (
  names: ReadonlyArray<string>,
  before: Pick<TagRecords, "era" | "ledger">,
  { era, tokens }: TagRecords
): boolean => {
  const { ledger } = before
  if (ledger === undefined || era !== before.era) return false
  return names.every((name) => {
    const token = tokens.get(name)
    return token !== undefined && token.lineage === ledger.lineage && token.count <= ledger.count
  })
}
