/** The answers that one crowd of visitors got since the last look. */

export interface Answers {
  readonly answered: number
  readonly failed: number
  /** Milliseconds; null where nobody was answered. */
  readonly median: number | null
  readonly p99: number | null
  readonly slowest: number | null
}

export class Tally {
  #millis: Array<number> = []
  #failed = 0

  answered(millis: number): void {
    this.#millis.push(millis)
  }

  failed(): void {
    this.#failed++
  }

  /** All of it, and begins anew. */
  take(): Answers {
    const sorted = this.#millis.toSorted((a, b) => a - b)
    const failed = this.#failed
    this.#millis = []
    this.#failed = 0
    const quantile = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? null
    return { answered: sorted.length, failed, median: quantile(0.5), p99: quantile(0.99), slowest: quantile(1) }
  }
}
