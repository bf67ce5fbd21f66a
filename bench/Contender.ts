/** Who takes part. */
import type { Burst, BurstRequest } from "./measure.ts"

export interface Contender {
  /** What is stored. Default: the article. */
  readonly value?: unknown
  /** Gives the stored value, parsed where the contender parses. */
  readonly read: (key: string) => Promise<unknown>
  readonly work: Readonly<Partial<Record<BurstRequest["work"], Burst>>>
}
