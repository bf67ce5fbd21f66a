/** What the scripts over the records of tags say. */
import type { Reply } from "../../../schema/Command.ts"
import { ledgerIn, type TagRecords, type Token, tokenIn } from "./TagRecords.ts"

/** Of the scripts that read; undefined where it is no reply of theirs. */
export const recordsIn = (names: ReadonlyArray<string>, reply: Reply): TagRecords | undefined => {
  if (!Array.isArray(reply) || reply.length !== names.length + 2) return undefined
  const parts: ReadonlyArray<Reply> = reply
  if (!parts.every((part) => part === null || typeof part === "string")) return undefined
  const [era, ledger, ...texts] = parts
  const tokens = new Map<string, Token>()
  names.forEach((name, i) => {
    const token = texts[i] === null ? undefined : tokenIn(texts[i] ?? "")
    if (token !== undefined) tokens.set(name, token)
  })
  return { era: era ?? "", ledger: ledger === null ? undefined : ledgerIn(ledger ?? ""), tokens }
}
