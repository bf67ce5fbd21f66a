/**
 * The sparse form of a sketch: runs of registers. `00nnnnnn` are n + 1 registers of zero, `01nnnnnn nnnnnnnn` as many of zero, `1vvvvvnn`
 * are n + 1 registers of v + 1. Runs are split and joined exactly as a server does it, so that the bytes are the same.
 */

export const registers = 16_384
/** A greater value has no place in this form. */
const greatest = 32
/** A sketch that would be longer takes the dense form. */
const maxBytes = 3000

interface Run {
  /** 0 = none of what was counted. */
  readonly value: number
  readonly length: number
  /** Of its bytes. */
  readonly bytes: 1 | 2
}

/** The runs, or undefined where they are not those of all registers. */
export const parseRuns = (body: Buffer): Array<Run> | undefined => {
  const runs: Array<Run> = []
  let seen = 0
  for (let at = 0; at < body.length;) {
    const byte = body[at]!
    const run: Run =
      byte >= 128
        ? { value: ((byte >> 2) & 31) + 1, length: (byte & 3) + 1, bytes: 1 }
        : byte < 64
          ? { value: 0, length: byte + 1, bytes: 1 }
          : { value: 0, length: (((byte & 63) << 8) | (body[at + 1] ?? 0)) + 1, bytes: 2 }
    runs.push(run)
    at += run.bytes
    seen += run.length
  }
  return seen === registers ? runs : undefined
}

export const formatRuns = (runs: ReadonlyArray<Run>): Buffer =>
  Buffer.from(
    runs.flatMap(({ bytes, length, value }) => {
      if (value > 0) return [128 | ((value - 1) << 2) | (length - 1)]
      return bytes === 1 ? [length - 1] : [64 | ((length - 1) >> 8), (length - 1) & 255]
    })
  )

const zeros = (length: number): Run => ({ value: 0, length, bytes: length > 64 ? 2 : 1 })
const some = (value: number, length: number): Run => ({ value, length, bytes: 1 })

/** Of nothing. */
export const emptyRuns: ReadonlyArray<Run> = [zeros(registers)]

/** Raises one register, in place; false = it was as great, `"dense"` = this form has no place for it. */
export const raise = (runs: Array<Run>, size: number, register: number, value: number): boolean | "dense" => {
  if (value > greatest) return "dense"
  let first = 0
  let at = 0
  while (first + runs[at]!.length <= register) first += runs[at++]!.length
  const run = runs[at]!
  if (run.value >= value) return false
  const [before, after] = [register - first, first + run.length - 1 - register]
  const rest = (length: number): ReadonlyArray<Run> =>
    length === 0 ? [] : [run.value === 0 ? zeros(length) : some(run.value, length)]
  const split = [...rest(before), some(value, 1), ...rest(after)]
  const more = split.reduce((sum, { bytes }) => sum + bytes, 0) - run.bytes
  const isSplit = run.length > 1 || run.bytes === 2
  if (isSplit && more > 0 && size + more > maxBytes) return "dense"
  runs.splice(at, 1, ...split)
  join(runs, Math.max(0, at - 1))
  return true
}

/** Joins neighbours of one value where their length fits, among the next few from there on. */
const join = (runs: Array<Run>, from: number): void => {
  let at = from
  for (let steps = 5; steps > 0 && at < runs.length; steps--) {
    const [one, other] = [runs[at]!, runs[at + 1]]
    const fits = other !== undefined && one.value > 0 && one.value === other.value && one.length + other.length <= 4
    if (fits) runs.splice(at, 2, some(one.value, one.length + other.length))
    else at++
  }
}
