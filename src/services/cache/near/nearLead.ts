/** What all final keys of a cache begin with, in whatever version. */
import { allVersions, type KeyFunction } from "../../../schema/key.ts"

/** Undefined where the key function gives them no common beginning. */
export const nearLead = (keyFunction: KeyFunction, prefix: string): string | undefined => {
  try {
    const lead = leadOf(allVersions(keyFunction, prefix).match)
    return lead === "" ? undefined : lead
  } catch {
    return undefined
  }
}

/** The text before the first wildcard of a glob. */
const leadOf = (pattern: string): string => {
  let lead = ""
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    if (character === "*") break
    lead += character === "\\" ? (pattern[++i] ?? character) : character
  }
  return lead
}
