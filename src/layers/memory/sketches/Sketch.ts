/** A HyperLogLog in the server's own bytes: how many different things were counted, in 12 KB or less. */
import { murmurHash64 } from "./murmur.ts"
import { emptyRuns, formatRuns, parseRuns, raise, registers } from "./sparse.ts"

const headerLength = 16
const denseLength = headerLength + (registers * 6) / 8
const magic = "HYLL"
const dense = 0
const sparse = 1
/** Bits of a hash that choose no register. */
const rankBits = 50

/** Why bytes are no sketch. */
export type Fault = "another value" | "corrupted"

export class Sketch {
  readonly #header: Buffer
  #body: Buffer
  #runs: ReturnType<typeof parseRuns>

  private constructor(header: Buffer, body: Buffer, runs: ReturnType<typeof parseRuns>) {
    this.#header = header
    this.#body = body
    this.#runs = runs
  }

  static empty(): Sketch {
    const header = Buffer.alloc(headerLength)
    header.write(magic, "latin1")
    header[4] = sparse
    return new Sketch(header, Buffer.alloc(0), [...emptyRuns])
  }

  /** Of bytes, which it does not change. */
  static of(bytes: Buffer): Sketch | Fault {
    const encoding = bytes[4] ?? 255
    if (bytes.length < headerLength || bytes.toString("latin1", 0, 4) !== magic || encoding > sparse) {
      return "another value"
    }
    if (encoding === dense && bytes.length !== denseLength) return "another value"
    const [header, body] = [Buffer.from(bytes.subarray(0, headerLength)), Buffer.from(bytes.subarray(headerLength))]
    if (encoding === dense) return new Sketch(header, body, undefined)
    const runs = parseRuns(body)
    return runs === undefined ? "corrupted" : new Sketch(header, body, runs)
  }

  get bytes(): Buffer {
    return Buffer.concat([this.#header, this.#runs === undefined ? this.#body : formatRuns(this.#runs)])
  }

  get isDense(): boolean {
    return this.#runs === undefined
  }

  /** Whether anything changed. */
  add(element: Buffer): boolean {
    const hash = murmurHash64(element)
    const rest = (hash >> 14n) | (1n << BigInt(rankBits))
    let rank = 1
    while (((rest >> BigInt(rank - 1)) & 1n) === 0n) rank++
    return this.raise(Number(hash & BigInt(registers - 1)), rank)
  }

  /** The greater of what the register holds and the value; whether that is something else. */
  raise(register: number, value: number): boolean {
    if (this.#runs !== undefined) {
      const size = this.#runs.reduce((sum, { bytes }) => sum + bytes, headerLength)
      const raised = raise(this.#runs, size, register, value)
      if (raised !== "dense") {
        if (raised) this.forgetCount()
        return raised
      }
      this.makeDense()
    }
    if (this.#at(register) >= value) return false
    this.#put(register, value)
    return true
  }

  makeDense(): void {
    if (this.#runs === undefined) return
    const values = this.values()
    this.#runs = undefined
    this.#header[4] = dense
    this.#body = Buffer.alloc(denseLength - headerLength)
    values.forEach((value, register) => this.#put(register, value))
  }

  /** Of all registers. */
  values(): Uint8Array {
    const values = new Uint8Array(registers)
    if (this.#runs === undefined) {
      for (let register = 0; register < registers; register++) values[register] = this.#at(register)
      return values
    }
    let register = 0
    for (const { length, value } of this.#runs) {
      values.fill(value, register, register + length)
      register += length
    }
    return values
  }

  /** What was counted last, where it still holds. */
  get knownCount(): number | undefined {
    return this.#header[15]! >= 128 ? undefined : Number(this.#header.readBigUInt64LE(8))
  }

  rememberCount(count: number): void {
    this.#header.writeBigUInt64LE(BigInt(count), 8)
  }

  forgetCount(): void {
    this.#header[15] = this.#header[15]! | 128
  }

  /** Six bits each, the lowest first. */
  #at(register: number): number {
    const bit = register * 6
    const [byte, shift] = [bit >> 3, bit & 7]
    return ((this.#body[byte]! >> shift) | ((this.#body[byte + 1] ?? 0) << (8 - shift))) & 63
  }

  #put(register: number, value: number): void {
    const bit = register * 6
    const [byte, shift] = [bit >> 3, bit & 7]
    this.#body[byte] = (this.#body[byte]! & ~(63 << shift)) | (value << shift)
    if (shift > 2) {
      this.#body[byte + 1] = (this.#body[byte + 1]! & ~(63 >> (8 - shift))) | (value >> (8 - shift))
    }
  }
}

/** The estimate of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", by how often each value stands in a register. */
export const estimate = (values: Uint8Array): number => {
  const histogram = Array.from({ length: 64 }, () => 0)
  for (const value of values) histogram[value]!++
  let z = registers * tau((registers - histogram[rankBits + 1]!) / registers)
  for (let value = rankBits; value >= 1; value--) z = (z + histogram[value]!) * 0.5
  z += registers * sigma(histogram[0]! / registers)
  return Math.round((alpha * registers * registers) / z)
}

const alpha = 0.7213475204444817

const sigma = (x: number): number => {
  if (x === 1) return Infinity
  let [power, weight, z] = [x, 1, x]
  for (;;) {
    power *= power
    const before = z
    z += power * weight
    weight += weight
    if (z === before) return z
  }
}

const tau = (x: number): number => {
  if (x === 0 || x === 1) return 0
  let [root, weight, z] = [x, 1, 1 - x]
  for (;;) {
    root = Math.sqrt(root)
    const before = z
    weight *= 0.5
    z -= (1 - root) ** 2 * weight
    if (z === before) return z / 3
  }
}
