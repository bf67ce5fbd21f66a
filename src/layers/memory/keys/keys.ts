/** The key space: existence, types, renaming, globs, scans. */
import type { WireArg } from "../../../schema/Command.ts"
import { keyOf, keyword, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { globMatcher } from "../../../schema/glob.ts"
import { cursorOf, scanOptions } from "../kernel/scanOptions.ts"
import { NotInMemory, noSuchKey, ServerReply, syntaxError } from "../store/ServerReply.ts"
import { copyOf, typeOf } from "../values/MemoryValue.ts"

const count = (test: (context: CommandContext, key: string) => boolean): MemoryCommand =>
  atLeast(1, (context, keys) => keys.filter((key) => test(context, keyOf(key))).length)

const deleteKeys = count(({ store, now }, key) => store.delete(key, now))

const exists = count(({ store, now }, key) => store.get(key, now) !== undefined)

/** False where `to` exists and must stay. */
const rename = (
  { store, now }: CommandContext,
  fromArg: WireArg | undefined,
  toArg: WireArg | undefined,
  overwrite: boolean
): boolean => {
  const from = keyOf(fromArg)
  const to = keyOf(toArg)
  if (store.get(from, now) === undefined) throw noSuchKey()
  if (!overwrite && store.peek(to, now) !== undefined) return false
  if (from === to) return true
  store.rename(from, to, now)
  return true
}

const copy: MemoryCommand = atLeast(2, ({ store, now }, [fromArg, toArg, ...words]) => {
  let replace = false
  for (const word of words) {
    if (keyword(word) === "DB") throw new NotInMemory("there is one database")
    if (keyword(word) !== "REPLACE") throw syntaxError()
    replace = true
  }
  const from = keyOf(fromArg)
  const to = keyOf(toArg)
  if (from === to) throw new ServerReply("ERR source and destination objects are the same")
  const value = store.get(from, now)
  if (value === undefined || (!replace && store.peek(to, now) !== undefined)) return 0
  store.set(to, copyOf(value), store.expiresAt(from, now) ?? Infinity, now)
  return 1
})

/** Whatever COUNT asks for, no more keys than these are looked at before others have their turn. */
const mostInPage = 1000

const scan: MemoryCommand = atLeast(1, ({ store, now }, [cursorArg, ...words]) => {
  const cursor = cursorOf(cursorArg)
  const { match, type, count } = scanOptions(words, true)
  const keys: Array<string> = []
  const matches = match === undefined ? undefined : globMatcher(match)
  const next = store.scan(Number(cursor), Math.min(count, mostInPage), now, (key, value) => {
    if (matches?.(key) !== false && (type === undefined || type === typeOf(value))) keys.push(key)
  })
  return [String(next), keys]
})

const flush: MemoryCommand = {
  least: 0,
  most: 1,
  run: ({ store }, [mode]) => {
    if (mode !== undefined && !["ASYNC", "SYNC"].includes(keyword(mode))) throw syntaxError()
    store.clear()
    return "OK"
  }
}

export const keyCommands: CommandTable = {
  DEL: deleteKeys,
  UNLINK: deleteKeys,
  EXISTS: exists,
  TOUCH: exists,
  TYPE: exactly(1, ({ store, now }, [key]) => {
    const value = store.peek(keyOf(key), now)
    return value === undefined ? "none" : typeOf(value)
  }),
  RENAME: exactly(2, (context, [from, to]) => {
    rename(context, from, to, true)
    return "OK"
  }),
  RENAMENX: exactly(2, (context, [from, to]) => (rename(context, from, to, false) ? 1 : 0)),
  COPY: copy,
  KEYS: exactly(1, ({ store, now }, [pattern]) => {
    const matches = globMatcher(textOf(pattern ?? ""))
    const keys: Array<string> = []
    store.scan(0, Infinity, now, (key) => {
      if (matches(key)) keys.push(key)
    })
    return keys
  }),
  RANDOMKEY: exactly(0, (context) => {
    const { now, store } = context
    // Cursors begin anywhere; where nothing is below it, the search goes on from the end.
    const start = Math.floor(context.random() * store.entries) + 1
    let found: string | null = null
    const look = (cursor: number) => {
      for (let next = store.scan(cursor, 1, now, keepFirst); found === null && next !== 0;) {
        next = store.scan(next, 1, now, keepFirst)
      }
    }
    const keepFirst = (key: string) => {
      found ??= key
    }
    look(start)
    if (found === null) look(0)
    return found
  }),
  SCAN: scan,
  "MEMORY USAGE": {
    least: 2,
    most: 4,
    run: ({ store, now }, [, key, word, samples]) => {
      if (word !== undefined && (keyword(word) !== "SAMPLES" || !/^\d+$/.test(textOf(samples ?? ""))))
        throw syntaxError()
      return store.sizeOf(keyOf(key), now) ?? null
    }
  },
  DBSIZE: exactly(0, ({ store, now }) => store.size(now)),
  FLUSHDB: flush,
  FLUSHALL: flush
}
