/** Where a command's keys are among its arguments, in the terms of the server's own COMMAND, and what becomes of them. */
import type { WireArg } from "../../schema/Command.ts"

/** What a command does to a key. */
export type KeyUse =
  | "reads"
  /** Afterwards the key holds what the command says, whatever it held before. */
  | "replaces"
  /** Makes another value of the one it has: counters, appended text. */
  | "changes"
  /** Puts something into a structure, or changes a part of one. */
  | "adds"
  /** Removes parts that the arguments name or describe. Removing them twice is the same as once. */
  | "removes"
  /** Removes parts that the reply names: what comes first, or a random one. */
  | "pops"
  /** Afterwards there is no such key. */
  | "deletes"
  /** Changes how long the key lives, not what it holds. */
  | "retimes"

/** The keys of one kind among the arguments, which are counted from 0. */
export interface KeyPlace {
  readonly use: KeyUse
  readonly begin: Begin
  readonly find: Find
  readonly optional?: true
}

type Begin =
  | { readonly at: number }
  /** Behind a keyword, which is looked for from an index on. Options of so many arguments are passed over. */
  | { readonly keyword: string; readonly from: number; readonly past?: Readonly<Record<string, number>> }

type Find =
  /** `last`: the last key, counted from the first one, or from the end where negative. `share`: keys are a half, say, of what is there. */
  | { readonly last: number; readonly step: number; readonly share: number }
  /** The argument at the beginning says how many keys follow it. */
  | "counted"

type Place = Omit<KeyPlace, "use">

const one = { last: 0, step: 1, share: 1 }

export const at = (index: number): Place => ({ begin: { at: index }, find: one })
export const first = at(0)
export const second = at(1)

/** From there on; `last` is −1 for the last argument. */
export const from = (index: number, last = -1, step = 1): Place => ({
  begin: { at: index },
  find: { last, step, share: 1 }
})

/** The argument says how many keys follow it. */
export const counted = (index: number): Place => ({ begin: { at: index }, find: "counted" })

/** The one behind a keyword. */
export const behind = (keyword: string, from: number, past?: Readonly<Record<string, number>>): Place => ({
  begin: { keyword, from, ...(past === undefined ? {} : { past }) },
  find: one
})

/** All that come behind a keyword. */
export const allBehind = (...place: Parameters<typeof behind>): Place => ({ ...behind(...place), find: from(0).find })

/** STREAMS key key id id */
export const streams = (from: number): Place => ({
  begin: { keyword: "STREAMS", from },
  find: { last: -1, step: 1, share: 2 }
})

const using =
  (use: KeyUse) =>
  (place: Place): KeyPlace => ({ ...place, use })

export const reads = using("reads")
export const replaces = using("replaces")
export const changes = using("changes")
export const adds = using("adds")
export const removes = using("removes")
export const pops = using("pops")
export const deletes = using("deletes")
export const retimes = using("retimes")

/** An empty text in that place is no key. */
export const optional = (place: KeyPlace): KeyPlace => ({ ...place, optional: true })

/** The keys of one kind that the arguments hold. */
export const keysAt = ({ begin, find, optional }: KeyPlace, args: ReadonlyArray<WireArg>): ReadonlyArray<WireArg> => {
  const start = beginOf(begin, args)
  if (start === undefined || start >= args.length) return []
  if (find === "counted") {
    const count = Number(args[start])
    return count > 0 ? args.slice(start + 1, start + 1 + count) : []
  }
  const { last, share, step } = find
  const rest = args.length - start
  const end = last >= 0 ? start + last + 1 : start + Math.floor((rest + last + 1) / share)
  const keys: Array<WireArg> = []
  for (let i = start; i < Math.min(end, args.length); i += step) keys.push(args[i]!)
  return optional === true ? keys.filter((key) => key.length > 0) : keys
}

const beginOf = (begin: Begin, args: ReadonlyArray<WireArg>): number | undefined => {
  if ("at" in begin) return begin.at
  for (let i = begin.from; i < args.length; i++) {
    const word = String(args[i]).toUpperCase()
    if (word === begin.keyword) return i + 1
    i += begin.past?.[word] ?? 0
  }
  return undefined
}
