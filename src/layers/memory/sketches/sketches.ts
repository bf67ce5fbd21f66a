/** HyperLogLogs: PFADD, PFCOUNT, PFMERGE. */
import type { WireArg } from "../../../schema/Command.ts"
import { rewrite, stringAt } from "../kernel/access.ts"
import { bytesOf, keyOf } from "../kernel/arguments.ts"
import type { CommandContext } from "../kernel/CommandContext.ts"
import { atLeast, type CommandTable } from "../kernel/command.ts"
import { ServerReply } from "../store/ServerReply.ts"
import { estimate, Sketch } from "./Sketch.ts"
import { registers } from "./sparse.ts"

const sketchAt = (context: CommandContext, key: string): Sketch | undefined => {
  const value = stringAt(context, key)
  if (value === undefined) return undefined
  const sketch = Sketch.of(bytesOf(value))
  if (sketch === "another value") throw new ServerReply("WRONGTYPE Key is not a valid HyperLogLog string value.")
  if (sketch === "corrupted") throw new ServerReply("INVALIDOBJ Corrupted HLL object detected")
  return sketch
}

/** The greatest of each register. */
const merged = (sketches: ReadonlyArray<Sketch>): Uint8Array => {
  const greatest = new Uint8Array(registers)
  for (const sketch of sketches) {
    sketch.values().forEach((value, register) => {
      if (value > greatest[register]!) greatest[register] = value
    })
  }
  return greatest
}

const sketchesAt = (context: CommandContext, keys: ReadonlyArray<WireArg>): ReadonlyArray<Sketch> =>
  keys.map((key) => sketchAt(context, keyOf(key))).filter((sketch) => sketch !== undefined)

export const sketchCommands: CommandTable = {
  PFADD: atLeast(1, (context, [keyArg, ...elements]) => {
    const key = keyOf(keyArg)
    const known = sketchAt(context, key)
    const sketch = known ?? Sketch.empty()
    const changed = elements.filter((element) => sketch.add(bytesOf(element))).length
    if (known !== undefined && changed === 0) return 0
    sketch.forgetCount()
    rewrite(context, key, sketch.bytes)
    return 1
  }),
  PFCOUNT: atLeast(1, (context, [first, ...others]) => {
    if (others.length > 0) return estimate(merged(sketchesAt(context, [first!, ...others])))
    const key = keyOf(first)
    const sketch = sketchAt(context, key)
    if (sketch === undefined) return 0
    if (sketch.knownCount !== undefined) return sketch.knownCount
    const count = estimate(sketch.values())
    sketch.rememberCount(count)
    rewrite(context, key, sketch.bytes)
    return count
  }),
  PFMERGE: atLeast(1, (context, keys) => {
    const target = keyOf(keys[0])
    const sources = sketchesAt(context, keys)
    const result = sketchAt(context, target) ?? Sketch.empty()
    if (sources.some(({ isDense }) => isDense)) result.makeDense()
    merged(sources).forEach((value, register) => {
      if (value > 0) result.raise(register, value)
    })
    result.forgetCount()
    rewrite(context, target, result.bytes)
    return "OK"
  })
}
