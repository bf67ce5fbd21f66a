/** What a reply says of whether the command has changed anything. */
import type { Reply, WireArg } from "../../schema/Command.ts"

/** False only where the reply says that nothing was changed. */
export type Changed = (reply: Reply, args: ReadonlyArray<WireArg>) => boolean

export const always: Changed = () => true
export const never: Changed = () => false

/** Null, 0 or less, an empty list. */
export const unlessNothing: Changed = (reply) =>
  Array.isArray(reply) ? reply.length > 0 : reply !== null && !(typeof reply === "number" && reply <= 0)

/** One reply for each field: null, or 0 or less, where nothing was done to it. */
export const unlessNoField: Changed = (reply) =>
  !Array.isArray(reply) || reply.some((one) => one !== null && !(typeof one === "number" && one <= 0))

/** It moves keys to another server, and says so where it has none of them. */
export const unlessNoKey: Changed = (reply) => reply !== "NOKEY"

const optionsOf = (args: ReadonlyArray<WireArg>): ReadonlySet<string> =>
  new Set(args.slice(1).map((arg) => String(arg).toUpperCase()))

/** How many members are new says nothing of others whose scores have changed, unless they could not, or are counted. */
export const unlessZAddRefused: Changed = (reply, args) => {
  const options = optionsOf(args)
  return ["CH", "INCR", "NX"].some((option) => options.has(option)) ? unlessNothing(reply, args) : true
}

/** With GET it replies what was there before: then NX has refused where there was something, and XX where there was nothing. */
export const unlessSetRefused: Changed = (reply, args) => {
  const options = optionsOf(args.slice(1))
  if (!options.has("GET")) return reply !== null
  return options.has("NX") ? reply === null : !options.has("XX") || reply !== null
}
