/** LCS: the longest common subsequence of two strings. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { bytesOf, int64, keyOf, keyword } from "../kernel/arguments.ts"
import { atLeast, type CommandTable } from "../kernel/command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { isString, type MemoryValue } from "../values/MemoryValue.ts"
import { maxStringBytes } from "./stringBytes.ts"

interface Wanted {
  readonly length: boolean
  readonly indexes: boolean
  readonly matchLengths: boolean
  readonly least: number
}

const wanted = (words: ReadonlyArray<WireArg>): Wanted => {
  let [length, indexes, matchLengths, least] = [false, false, false, 0]
  for (let i = 0; i < words.length; i++) {
    const word = keyword(words[i]!)
    if (word === "LEN") length = true
    else if (word === "IDX") indexes = true
    else if (word === "WITHMATCHLEN") matchLengths = true
    else if (word === "MINMATCHLEN" && i + 1 < words.length) least = Math.max(0, Number(int64(words[++i])))
    else throw syntaxError()
  }
  if (length && indexes) {
    throw new ServerReply("ERR If you want both the length and indexes, please just use IDX.")
  }
  return { length, indexes, matchLengths, least }
}

const bytesIn = (value: MemoryValue | undefined): Buffer => {
  if (value === undefined) return Buffer.alloc(0)
  if (!isString(value)) throw new ServerReply("ERR The specified keys must contain string values")
  return bytesOf(value)
}

/** The lengths for all beginnings of the two, row by row of the first. */
const lengthsOf = (a: Buffer, b: Buffer): Uint32Array => {
  const width = b.length + 1
  if (BigInt(a.length + 1) * BigInt(width) * 4n > maxStringBytes) {
    throw new ServerReply("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
  }
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      lengths[i * width + j] =
        a[i - 1] === b[j - 1]
          ? lengths[(i - 1) * width + j - 1]! + 1
          : Math.max(lengths[(i - 1) * width + j]!, lengths[i * width + j - 1]!)
    }
  }
  return lengths
}

/** A stretch that both have, by its last byte in each and its length. */
interface Stretch {
  readonly endA: number
  readonly endB: number
  length: number
}

/** The stretches of the subsequence, the last one first. */
const stretchesOf = (a: Buffer, b: Buffer, lengths: Uint32Array): ReadonlyArray<Stretch> => {
  const width = b.length + 1
  const stretches: Array<Stretch> = []
  let open: Stretch | undefined
  for (let [i, j] = [a.length, b.length]; i > 0 && j > 0;) {
    if (a[i - 1] === b[j - 1]) {
      if (open === undefined) stretches.push((open = { endA: i - 1, endB: j - 1, length: 0 }))
      open.length++
      i--
      j--
    } else {
      open = undefined
      if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--
      else j--
    }
  }
  return stretches
}

const placesUpTo = (end: number, length: number): Reply => [end - length + 1, end]

export const lcsCommands: CommandTable = {
  LCS: atLeast(2, ({ now, store }, [keyA, keyB, ...words]): Reply => {
    const [one, other] = [store.get(keyOf(keyA), now), store.get(keyOf(keyB), now)]
    const [a, b] = [bytesIn(one), bytesIn(other)]
    const { indexes, least, length, matchLengths } = wanted(words)
    const lengths = lengthsOf(a, b)
    const total = lengths.at(-1) ?? 0
    if (length) return total
    const stretches = stretchesOf(a, b, lengths)
    if (!indexes) {
      return Buffer.concat(stretches.toReversed().map(({ endA, length }) => a.subarray(endA - length + 1, endA + 1)))
    }
    const told = stretches
      .filter(({ length }) => length >= least)
      .map((stretch): Reply => {
        const [inA, inB] = [placesUpTo(stretch.endA, stretch.length), placesUpTo(stretch.endB, stretch.length)]
        return matchLengths ? [inA, inB, stretch.length] : [inA, inB]
      })
    return ["matches", told, "len", total]
  })
}
