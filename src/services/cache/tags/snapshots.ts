/** Records as text, and text as records. */
import type { TagSnapshot } from "../../../schema/TagSnapshot.ts"
import { ledgerIn, ledgerText, type TagRecords, type Token, tokenIn, tokenText } from "./TagRecords.ts"

export const snapshotOf = (tags: ReadonlyArray<string>, { era, ledger, tokens }: TagRecords): TagSnapshot => ({
  tags,
  tokens: new Map([...tokens].map(([tag, token]) => [tag, tokenText(token)])),
  ledger: ledger === undefined ? "" : ledgerText(ledger),
  era
})

export const recordsOf = ({ era, ledger, tokens }: TagSnapshot): TagRecords => {
  const read = new Map<string, Token>()
  for (const [tag, text] of tokens) {
    const token = tokenIn(text)
    if (token !== undefined) read.set(tag, token)
  }
  return { era, ledger: ledgerIn(ledger), tokens: read }
}
