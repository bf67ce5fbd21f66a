/** Who takes part. */
import type { Latencies } from "./latencies.ts"
import type { Burst, BurstRequest } from "./measure.ts"

export interface Contender {
  /** What is stored. Default: the article. */
  readonly value?: unknown
  /** Gives the stored value, parsed where the contender parses. */
  readonly read: (key: string) => Promise<unknown>
  /** What the operations of the last burst of `getTimed` took. */
  readonly latencies?: Latencies
  readonly work: Readonly<Partial<Record<BurstRequest["work"], Burst>>>
}
