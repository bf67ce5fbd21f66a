/** Sets. */
import type { WireArg } from "../../../schema/Command.ts"
import { keyOf, keyword, parseInt64, positiveCount } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { randomChoice } from "../kernel/randomChoice.ts"
import { shuffled } from "../kernel/shuffled.ts"
import { scanPage } from "../kernel/scanPage.ts"
import { keep, kept, setAt } from "../kernel/access.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { SetValue } from "../values/SetValue.ts"
import { stringBytes, memberId, type StringValue } from "../values/StringValue.ts"

/** Adds members, all or none of them; how many are new. */
const addAll = (context: CommandContext, key: string, members: Iterable<StringValue>): number => {
  const set = setAt(context, key) ?? new SetValue()
  const fresh = new Map([...members].filter((member) => !set.has(member)).map((member) => [memberId(member), member]))
  let more = 0
  for (const member of fresh.values()) more += stringBytes(member)
  context.store.reserve(key, more, context.now)
  for (const member of fresh.values()) set.add(member)
  keep(context, key, set)
  return fresh.size
}

const removeAll = (context: CommandContext, key: string, members: ReadonlyArray<WireArg>): number => {
  const set = setAt(context, key)
  if (set === undefined) return 0
  const count = members.filter((member) => set.delete(member)).length
  keep(context, key, set)
  return count
}

const pop: MemoryCommand = {
  least: 1,
  most: 2,
  run: (context, [keyArg, countArg]) => {
    const key = keyOf(keyArg)
    const count = countArg === undefined ? undefined : positiveCount(countArg)
    const set = setAt(context, key)
    if (set === undefined) return count === undefined ? null : []
    const all = shuffled(context, [...set.members.values()])
    const taken = all.slice(0, count ?? 1)
    for (const member of taken) set.delete(member)
    keep(context, key, set)
    return count === undefined ? (taken[0] ?? null) : taken
  }
}

type Combine = (sets: ReadonlyArray<SetValue>) => ReadonlyArray<StringValue>

const union: Combine = (sets) => [...new Map(sets.flatMap(({ members }) => [...members])).values()]
const intersection: Combine = ([first, ...others]) =>
  [...(first?.members.values() ?? [])].filter((member) => others.every((set) => set.has(member)))
const difference: Combine = ([first, ...others]) =>
  [...(first?.members.values() ?? [])].filter((member) => !others.some((set) => set.has(member)))

const setsAt = (context: CommandContext, keys: ReadonlyArray<WireArg>) =>
  keys.map((key) => setAt(context, keyOf(key)) ?? new SetValue())

const combining = (combine: Combine): MemoryCommand => atLeast(1, (context, keys) => combine(setsAt(context, keys)))

const storing = (combine: Combine): MemoryCommand =>
  atLeast(2, (context, [destinationArg, ...keys]) => {
    const { now, store } = context
    const destination = keyOf(destinationArg)
    const result = combine(setsAt(context, keys))
    // Whatever was there, and its lifetime, goes.
    store.delete(destination, now)
    return addAll(context, destination, result)
  })

const move: MemoryCommand = exactly(3, (context, [fromArg, toArg, memberArg]) => {
  const [from, to, member] = [keyOf(fromArg), keyOf(toArg), kept(memberArg!)]
  const source = setAt(context, from)
  if (source === undefined) return 0
  setAt(context, to)
  if (!source.has(member)) return 0
  if (from === to) return 1
  removeAll(context, from, [member])
  addAll(context, to, [member])
  return 1
})

const scan = scanPage(setAt, ({ members }, matches) => [...members.values()].filter(matches))

export const setCommands: CommandTable = {
  SADD: atLeast(2, (context, [key, ...members]) => addAll(context, keyOf(key), members.map(kept))),
  SREM: atLeast(2, (context, [key, ...members]) => removeAll(context, keyOf(key), members)),
  SCARD: exactly(1, (context, [key]) => setAt(context, keyOf(key))?.members.size ?? 0),
  SISMEMBER: exactly(2, (context, [key, member]) => (setAt(context, keyOf(key))?.has(member ?? "") === true ? 1 : 0)),
  SMISMEMBER: atLeast(2, (context, [key, ...members]) => {
    const set = setAt(context, keyOf(key))
    return members.map((member) => (set?.has(member) === true ? 1 : 0))
  }),
  SMEMBERS: exactly(1, combining(union).run),
  SPOP: pop,
  SRANDMEMBER: randomChoice(
    (context, key) => setAt(context, key)?.members.values(),
    (member) => [member]
  ),
  SMOVE: move,
  SUNION: combining(union),
  SINTER: combining(intersection),
  SDIFF: combining(difference),
  SINTERCARD: atLeast(2, (context, [countArg, ...words]) => {
    const count = parseInt64(countArg)
    if (count === undefined || count <= 0n) throw new ServerReply("ERR numkeys should be greater than 0")
    if (count > BigInt(words.length)) {
      throw new ServerReply("ERR Number of keys can't be greater than number of args")
    }
    let limit = 0
    for (let i = Number(count); i < words.length; i += 2) {
      const given = words[i + 1]
      if (keyword(words[i]!) !== "LIMIT" || given === undefined) throw syntaxError()
      const number = parseInt64(given)
      if (number === undefined || number < 0n) throw new ServerReply("ERR LIMIT can't be negative")
      limit = Number(number)
    }
    const { length } = intersection(setsAt(context, words.slice(0, Number(count))))
    return limit === 0 ? length : Math.min(limit, length)
  }),
  SUNIONSTORE: storing(union),
  SINTERSTORE: storing(intersection),
  SDIFFSTORE: storing(difference),
  SSCAN: scan
}
