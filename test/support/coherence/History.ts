/** What processes have read and written, with the times of one clock for all of them, in microseconds. */

/** The same for all processes of the machine, whatever becomes of their wall clocks. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n)

/** There is no such key. */
export const nothing = -1

/** Columns of numbers that grow. */
export class Columns {
  readonly #width: number
  #data: Float64Array
  #length = 0

  constructor(width: number) {
    this.#width = width
    this.#data = new Float64Array(width * 1024)
  }

  add(...row: ReadonlyArray<number>): void {
    if (this.#length + this.#width > this.#data.length) {
      const more = new Float64Array(2 * this.#data.length)
      more.set(this.#data)
      this.#data = more
    }
    for (let i = 0; i < this.#width; i++) this.#data[this.#length + i] = row[i]!
    this.#length += this.#width
  }

  take(): Float64Array {
    return this.#data.slice(0, this.#length)
  }
}

/** A read: key, value, start, end. */
export const readWidth = 4
/** A change: key, value, start, end, lifetime in milliseconds or 0. Key −1 = all keys. */
export const writeWidth = 5

export interface ProcessHistory {
  readonly name: string
  readonly reads: Float64Array
  readonly writes: Float64Array
  /** Reads that were answered in the process. */
  readonly near: number
  /** Reads that failed, as they may. */
  readonly failed: number
  /** Keys whose near value was another than the server's after all was quiet. */
  readonly different: ReadonlyArray<string>
}
