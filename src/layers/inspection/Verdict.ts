/** What the doctor says about one point. */

/**
 * What the doctor found about one point, and what to do about it.
 *
 * @since 0.2.0
 * @category inspection
 * @see docs/cli.md
 */
export interface Verdict {
  /** What was looked at: `connection`, `rights`, `maxmemory-policy` … Each point has one name. */
  readonly check: string
  /** "host:port" of the server; undefined where the point concerns the client, or whichever server answered. */
  readonly server: string | undefined
  /**
   * - `"ok"`: nothing needs to be done
   * - `"advice"`: the cache works, and would work better or safer otherwise
   * - `"problem"`: operations fail, or will fail
   * - `"unknown"`: the point could not be looked at
   */
  readonly status: "ok" | "advice" | "problem" | "unknown"
  /** What was found, in a sentence. */
  readonly finding: string
  /** What to do about it. */
  readonly advice?: string | undefined
}

/** A verdict before it is known where it was found. */
export type Judgement = Pick<Verdict, "status" | "finding" | "advice">

export const ok = (finding: string): Judgement => ({ status: "ok", finding })
export const advise = (finding: string, advice: string): Judgement => ({ status: "advice", finding, advice })
export const problem = (finding: string, advice: string): Judgement => ({ status: "problem", finding, advice })
export const unknown = (finding: string, advice?: string): Judgement => ({ status: "unknown", finding, advice })

/** The verdict of a check, about a server or about none. */
export const at =
  (check: string, server?: string) =>
  (judgement: Judgement): Verdict => ({ check, server, ...judgement })
