/** Bits of strings. The first bit of a byte is its highest. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { inexactInteger } from "../../../schema/failures.ts"
import { int64, keyOf, keyword, parseInt64, textOf } from "../kernel/arguments.ts"
import { rewrite } from "../kernel/access.ts"
import { atLeast, type CommandTable, exactly, type MemoryCommand } from "../kernel/command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { bytesAt, grown, included, maxStringBytes } from "./stringBytes.ts"

const badOffset = () => new ServerReply("ERR bit offset is not an integer or out of range")

/** `#2` is the third of so many bits. */
const bitOffset = (arg: WireArg | undefined, width?: number): number => {
  const text = textOf(arg ?? "")
  const counts = width !== undefined && text.startsWith("#")
  const given = parseInt64(counts ? text.slice(1) : text)
  if (given === undefined) throw badOffset()
  const offset = counts ? given * BigInt(width) : given
  if (offset < 0n || offset >> 3n >= maxStringBytes) throw badOffset()
  return Number(offset)
}

/** Behind the end there are zeros. */
const bitAt = (bytes: Buffer, offset: number): number =>
  ((bytes[Math.floor(offset / 8)] ?? 0) >> (7 - (offset % 8))) & 1

const putBit = (bytes: Buffer, offset: number, bit: number): void => {
  const place = Math.floor(offset / 8)
  const mask = 1 << (7 - (offset % 8))
  bytes[place] = bit === 1 ? bytes[place]! | mask : bytes[place]! & ~mask
}

const setBit: MemoryCommand = exactly(3, (context, [key, offsetArg, bitArg]) => {
  const offset = bitOffset(offsetArg)
  const bit = parseInt64(bitArg)
  if (bit !== 0n && bit !== 1n) throw new ServerReply("ERR bit is not an integer or out of range")
  const bytes = grown(context, key, Math.floor(offset / 8) + 1)
  const old = bitAt(bytes, offset)
  putBit(bytes, offset, Number(bit))
  rewrite(context, keyOf(key), bytes)
  return old
})

/** From and to, both included, in bits, of what two indexes mean; undefined = nothing. */
const span = (
  start: bigint,
  end: bigint,
  bytes: Buffer,
  inBits: boolean
): readonly [from: number, to: number] | undefined => {
  const places = included(start, end, BigInt(bytes.length) * (inBits ? 8n : 1n))
  if (places === undefined || inBits) return places
  const [from, to] = places
  return [from * 8, to * 8 + 7]
}

/** BYTE or BIT. */
const countsBits = (word: WireArg | undefined): boolean => {
  if (word === undefined) return false
  const unit = keyword(word)
  if (unit !== "BIT" && unit !== "BYTE") throw syntaxError()
  return unit === "BIT"
}

const count: MemoryCommand = atLeast(1, (context, [key, startArg, endArg, unitArg, ...more]) => {
  if (more.length > 0) throw syntaxError()
  const start = startArg === undefined ? 0n : int64(startArg)
  const inBits = countsBits(unitArg)
  const end = endArg === undefined ? -1n : int64(endArg)
  const bytes = bytesAt(context, key) ?? Buffer.alloc(0)
  if (start < 0n && end < 0n && start > end) return 0
  const within = span(start, end, bytes, inBits)
  if (within === undefined) return 0
  const [from, to] = within
  let found = 0
  for (let offset = from; offset <= to;) {
    const whole = offset % 8 === 0 && offset + 7 <= to
    found += whole ? onesIn(bytes[offset / 8]!) : bitAt(bytes, offset)
    offset += whole ? 8 : 1
  }
  return found
})

const onesIn = (byte: number): number => {
  let ones = 0
  for (let rest = byte; rest > 0; rest &= rest - 1) ones++
  return ones
}

const position: MemoryCommand = atLeast(2, (context, [key, bitArg, startArg, endArg, unitArg, ...more]) => {
  const bit = int64(bitArg)
  if (bit !== 0n && bit !== 1n) throw new ServerReply("ERR The bit argument must be 1 or 0.")
  if (more.length > 0) throw syntaxError()
  const start = startArg === undefined ? 0n : int64(startArg)
  const inBits = countsBits(unitArg)
  const end = endArg === undefined ? -1n : int64(endArg)
  const bytes = bytesAt(context, key)
  if (bytes === undefined) return bit === 1n ? -1 : 0
  const within = span(start, end, bytes, inBits)
  if (within === undefined) return -1
  const [from, to] = within
  const without = bit === 1n ? 0 : 255
  for (let offset = from; offset <= to;) {
    const passes = offset % 8 === 0 && offset + 7 <= to && bytes[offset / 8] === without
    if (!passes && bitAt(bytes, offset) === Number(bit)) return offset
    offset += passes ? 8 : 1
  }
  // Behind the end of a string without an end there are zeros.
  return bit === 1n || endArg !== undefined ? -1 : to + 1
})

const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  AND: (a, b) => a & b,
  OR: (a, b) => a | b,
  XOR: (a, b) => a ^ b
}

const operate: MemoryCommand = atLeast(3, (context, [wordArg, targetArg, ...keys]) => {
  const word = keyword(wordArg!)
  const operator = operators[word]
  if (operator === undefined && word !== "NOT") throw syntaxError()
  if (operator === undefined && keys.length > 1) {
    throw new ServerReply("ERR BITOP NOT must be called with a single source key.")
  }
  const sources = keys.map((key) => bytesAt(context, key) ?? Buffer.alloc(0))
  const [first, ...others] = sources
  const length = Math.max(...sources.map((source) => source.length))
  const target = keyOf(targetArg)
  if (length === 0) {
    context.store.delete(target, context.now)
    return 0
  }
  const result = Buffer.alloc(length)
  for (let i = 0; i < length; i++) {
    let byte = first?.[i] ?? 0
    if (operator === undefined) byte = ~byte
    else for (const other of others) byte = operator(byte, other[i] ?? 0)
    result[i] = byte
  }
  context.store.set(target, result, Infinity, context.now)
  return length
})

type Overflow = "WRAP" | "SAT" | "FAIL"

interface FieldStep {
  readonly word: "GET" | "SET" | "INCRBY"
  readonly signed: boolean
  readonly width: number
  readonly offset: number
  readonly value: bigint
  readonly overflow: Overflow
}

const fieldType = (arg: WireArg | undefined): { readonly signed: boolean; readonly width: number } => {
  const text = textOf(arg ?? "")
  const width = Number(parseInt64(text.slice(1)) ?? 0n)
  const signed = text.startsWith("i")
  if ((!signed && !text.startsWith("u")) || width < 1 || width > (signed ? 64 : 63)) {
    throw new ServerReply(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    )
  }
  return { signed, width }
}

const fieldSteps = (words: ReadonlyArray<WireArg>): ReadonlyArray<FieldStep> => {
  const steps: Array<FieldStep> = []
  let overflow: Overflow = "WRAP"
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    const more = words.length - i - 1
    if (word === "OVERFLOW" && more >= 1) {
      const kind = keyword(words[++i]!)
      if (kind !== "WRAP" && kind !== "SAT" && kind !== "FAIL") {
        throw new ServerReply("ERR Invalid OVERFLOW type specified")
      }
      overflow = kind
      continue
    }
    const isStep = (word === "GET" && more >= 2) || ((word === "SET" || word === "INCRBY") && more >= 3)
    if (!isStep) throw syntaxError()
    const type = fieldType(words[i + 1])
    const offset = bitOffset(words[i + 2], type.width)
    const value = word === "GET" ? 0n : int64(words[i + 3])
    steps.push({ word, ...type, offset, value, overflow })
    i += word === "GET" ? 2 : 3
  }
  return steps
}

const readField = (bytes: Buffer, { offset, signed, width }: FieldStep): bigint => {
  let value = 0n
  for (let at = offset; at < offset + width; at++) {
    value = (value << 1n) | BigInt(bitAt(bytes, at))
  }
  return signed ? BigInt.asIntN(width, value) : value
}

const writeField = (bytes: Buffer, { offset, width }: FieldStep, value: bigint): void => {
  for (let i = 0; i < width; i++) putBit(bytes, offset + i, Number((value >> BigInt(width - 1 - i)) & 1n))
}

/** The number as it fits there; undefined where it does not, and that is a failure. */
const fitting = (value: bigint, { overflow, signed, width }: FieldStep): bigint | undefined => {
  const max = 2n ** BigInt(signed ? width - 1 : width) - 1n
  const min = signed ? -max - 1n : 0n
  if (value >= min && value <= max) return value
  if (overflow === "FAIL") return undefined
  if (overflow === "SAT") return value > max ? max : min
  return signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value)
}

const field = (readOnly: boolean): MemoryCommand =>
  atLeast(1, (context, [key, ...words]): Reply => {
    const steps = fieldSteps(words)
    const writes = steps.filter(({ word }) => word !== "GET")
    if (readOnly && writes.length > 0) throw new ServerReply("ERR BITFIELD_RO only supports the GET subcommand")
    const end = Math.max(0, ...writes.map(({ offset, width }) => Math.floor((offset + width - 1) / 8) + 1))
    const bytes = end === 0 ? (bytesAt(context, key) ?? Buffer.alloc(0)) : grown(context, key, end)
    const told = steps.map((step) => {
      const old = readField(bytes, step)
      if (step.word === "GET") return Number(old)
      const given =
        step.word === "INCRBY" ? old + step.value : step.signed ? step.value : BigInt.asUintN(64, step.value)
      const value = fitting(given, step)
      if (value === undefined) return null
      writeField(bytes, step, value)
      return Number(step.word === "INCRBY" ? value : old)
    })
    if (end > 0) rewrite(context, keyOf(key), bytes)
    if (told.some((number) => number !== null && !Number.isSafeInteger(number))) throw inexactInteger("BITFIELD")
    return told
  })

export const bitCommands: CommandTable = {
  SETBIT: setBit,
  GETBIT: exactly(2, (context, [key, offsetArg]) => {
    const offset = bitOffset(offsetArg)
    return bitAt(bytesAt(context, key) ?? Buffer.alloc(0), offset)
  }),
  BITCOUNT: count,
  BITPOS: position,
  BITOP: operate,
  BITFIELD: field(false),
  BITFIELD_RO: field(true)
}
