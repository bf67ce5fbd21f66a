/** Under which conditions a lifetime is replaced by another. */
import type { WireArg } from "../../../schema/Command.ts"
import { ServerReply } from "../store/ServerReply.ts"
import { keyword, textOf } from "./arguments.ts"

interface Condition {
  readonly nx: boolean
  readonly xx: boolean
  readonly gt: boolean
  readonly lt: boolean
}

/** Of the words NX, XX, GT and LT. */
export const condition = (words: ReadonlyArray<WireArg>): Condition => {
  const given = new Set<string>()
  for (const word of words) {
    if (!["NX", "XX", "GT", "LT"].includes(keyword(word)))
      throw new ServerReply(`ERR Unsupported option ${textOf(word)}`)
    given.add(keyword(word))
  }
  const found = { nx: given.has("NX"), xx: given.has("XX"), gt: given.has("GT"), lt: given.has("LT") }
  if (found.nx && (found.xx || found.gt || found.lt)) {
    throw new ServerReply("ERR NX and XX, GT or LT options at the same time are not compatible")
  }
  if (found.gt && found.lt) throw new ServerReply("ERR GT and LT options at the same time are not compatible")
  return found
}

/** `Infinity` lives for ever. */
export const allows = ({ nx, xx, gt, lt }: Condition, current: number, next: number): boolean =>
  !(nx && current !== Infinity) && !(xx && current === Infinity) && !(gt && next <= current) && !(lt && next >= current)
