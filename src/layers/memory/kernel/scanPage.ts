/** HSCAN, SSCAN, ZSCAN: all in one page, as the server does with small ones. */
import type { Reply } from "../../../schema/Command.ts"
import { keyOf, keyword, textOf } from "./arguments.ts"
import type { CommandContext } from "./CommandContext.ts"
import { atLeast, type MemoryCommand } from "./command.ts"
import { globMatcher } from "../../../schema/glob.ts"
import { cursorOf, scanOptions } from "./scanOptions.ts"
import type { StringValue } from "../values/StringValue.ts"

/** `list` gives what matches; `flagged`: the word `flag` was the last. */
export const scanPage = <V>(
  valueAt: (context: CommandContext, key: string) => V | undefined,
  list: (value: V, matches: (name: StringValue) => boolean, flagged: boolean) => ReadonlyArray<Reply>,
  flag?: string
): MemoryCommand =>
  atLeast(2, (context, [key, cursorArg, ...words]) => {
    cursorOf(cursorArg)
    const value = valueAt(context, keyOf(key))
    // The server does not read on.
    if (value === undefined) return ["0", []]
    const last = words.at(-1)
    const flagged = last !== undefined && words.length % 2 === 1 && keyword(last) === flag
    const { match } = scanOptions(flagged ? words.slice(0, -1) : words, false)
    const matches = match === undefined ? () => true : globMatcher(match)
    return ["0", list(value, (name) => matches(textOf(name)), flagged)]
  })
