/** What one list and several have in common: their ends, and what is known after a pop that failed. */
import { Exit } from "effect"
import type { CacheError, CacheInputError } from "../../../schema/CacheError.ts"
import { isTransient } from "../../../schema/isTransient.ts"
import { mayHaveExecuted, refused } from "../../../schema/failures.ts"
import type { Part } from "../../../schema/place.ts"

export type End = "left" | "right"

/** What encryption binds elements to, besides the key. */
export const listPart: Part = { kind: "list", name: "" }

export const popCommands = { left: "LPOP", right: "RPOP" } as const
export const pushCommands = { left: "LPUSH", right: "RPUSH" } as const

const words = { left: "LEFT", right: "RIGHT" } as const

export const endWord = (operation: string, end: End): Exit.Exit<"LEFT" | "RIGHT", CacheInputError> =>
  end === "left" || end === "right" ? Exit.succeed(words[end]) : refused(operation, "an end must be left or right")

/** Whether a pop failed in such a way that a later attempt may succeed, and nothing was lost. */
export const hasTakenNothing = (error: CacheError): boolean => isTransient(error) && !mayHaveExecuted(error)
