/** Hashes. */
import type { Reply } from "../../../schema/Command.ts"
import { int64, keyOf, textOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { addFloats, addInteger, notAFloat } from "../kernel/sums.ts"
import { isInfinite, parseLongDouble } from "../kernel/longDouble.ts"
import { randomChoice } from "../kernel/randomChoice.ts"
import { scanPage } from "../kernel/scanPage.ts"
import { ServerReply, wrongArguments } from "../store/ServerReply.ts"
import { hashAt, keep, kept } from "../kernel/access.ts"
import { HashValue } from "../values/HashValue.ts"
import type { StringValue } from "../values/StringValue.ts"

/** Sets fields, all or none of them; how many are new. Those whose value is changed end when they did before. */
const put = (
  context: CommandContext,
  key: string,
  pairs: ReadonlyMap<string, StringValue>,
  write: "set" | "change" = "set"
): number => {
  const { now, store } = context
  const hash = hashAt(context, key) ?? new HashValue()
  let more = 0
  for (const [field, value] of pairs) more += hash.growth(field, value)
  store.reserve(key, more, now)
  const before = hash.fields.size
  for (const [field, value] of pairs) hash[write](field, value)
  keep(context, key, hash)
  return hash.fields.size - before
}

const set = (command: string, reply: (added: number) => Reply): MemoryCommand =>
  atLeast(3, (context, [key, ...args]) => {
    if (args.length % 2 !== 0) throw wrongArguments(command)
    const pairs = new Map<string, StringValue>()
    for (let i = 0; i < args.length; i += 2) pairs.set(keyOf(args[i]), kept(args[i + 1]!))
    return reply(put(context, keyOf(key), pairs))
  })

const remove: MemoryCommand = atLeast(2, (context, [keyArg, ...fields]) => {
  const key = keyOf(keyArg)
  const hash = hashAt(context, key)
  if (hash === undefined) return 0
  const count = fields.filter((field) => hash.delete(keyOf(field))).length
  keep(context, key, hash)
  return count
})

const whole = (part: (hash: HashValue) => ReadonlyArray<StringValue>): MemoryCommand =>
  exactly(1, (context, [key]) => {
    const hash = hashAt(context, keyOf(key))
    return hash === undefined ? [] : part(hash)
  })

const increment: MemoryCommand = exactly(3, (context, [keyArg, fieldArg, deltaArg]) => {
  const delta = int64(deltaArg)
  const key = keyOf(keyArg)
  const field = keyOf(fieldArg)
  const current = hashAt(context, key)?.fields.get(field)
  const sum = addInteger(current, delta, () => new ServerReply("ERR hash value is not an integer"))
  put(context, key, new Map([[field, String(sum)]]), "change")
  return Number(sum)
})

const incrementFloat: MemoryCommand = exactly(3, (context, [keyArg, fieldArg, deltaArg]) => {
  const delta = textOf(deltaArg ?? "")
  if (isInfinite(delta)) throw new ServerReply("ERR value is NaN or Infinity")
  if (parseLongDouble(delta) === undefined) throw notAFloat()
  const key = keyOf(keyArg)
  const field = keyOf(fieldArg)
  const current = hashAt(context, key)?.fields.get(field)
  const sum = addFloats(textOf(current ?? "0"), delta, () => new ServerReply("ERR hash value is not a float"))
  put(context, key, new Map([[field, sum]]), "change")
  return sum
})

const scan = scanPage(
  hashAt,
  ({ fields }, matches, noValues) => {
    const found = [...fields].filter(([field]) => matches(field))
    return noValues ? found.map(([field]) => field) : found.flat()
  },
  "NOVALUES"
)

export const hashCommands: CommandTable = {
  HSET: set("hset", (added) => added),
  HMSET: set("hmset", () => "OK"),
  HSETNX: exactly(3, (context, [keyArg, fieldArg, value]) => {
    const key = keyOf(keyArg)
    const field = keyOf(fieldArg)
    if (hashAt(context, key)?.fields.has(field) === true) return 0
    return put(context, key, new Map([[field, kept(value!)]]))
  }),
  HGET: exactly(2, (context, [key, field]) => hashAt(context, keyOf(key))?.fields.get(keyOf(field)) ?? null),
  HMGET: atLeast(2, (context, [key, ...fields]) => {
    const hash = hashAt(context, keyOf(key))
    return fields.map((field) => hash?.fields.get(keyOf(field)) ?? null)
  }),
  HGETALL: whole(({ fields }) => [...fields].flat()),
  HKEYS: whole(({ fields }) => [...fields.keys()]),
  HVALS: whole(({ fields }) => [...fields.values()]),
  HLEN: exactly(1, (context, [key]) => hashAt(context, keyOf(key))?.fields.size ?? 0),
  HEXISTS: exactly(2, (context, [key, field]) =>
    hashAt(context, keyOf(key))?.fields.has(keyOf(field)) === true ? 1 : 0
  ),
  HSTRLEN: exactly(2, (context, [key, field]) =>
    Buffer.byteLength(hashAt(context, keyOf(key))?.fields.get(keyOf(field)) ?? "")
  ),
  HRANDFIELD: randomChoice(
    (context, key) => hashAt(context, key)?.fields,
    ([field, value], values) => (values ? [field, value] : [field]),
    "WITHVALUES"
  ),
  HDEL: remove,
  HINCRBY: increment,
  HINCRBYFLOAT: incrementFloat,
  HSCAN: scan
}
