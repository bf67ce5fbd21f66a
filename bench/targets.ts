/** What is wanted of the results, and whether it is so. */
import { cpuMore, cpuTimes, type Result, slowestTimes, times } from "./measure.ts"

export interface Target {
  readonly work: string
  readonly wanted: string
  readonly measured: string
  readonly met: boolean
}

export const find = (results: ReadonlyArray<Result>, name: string): Result | undefined =>
  results.find((result) => result.name === name)

/** Ours against a rival's, from the same rounds. */
export const ratio = (
  work: string,
  results: ReadonlyArray<Result>,
  mine: string,
  rival: string,
  least: number
): Target => {
  const [ours, theirs] = [find(results, mine), find(results, rival)]
  const measured = ours === undefined || theirs === undefined ? Number.NaN : times(ours, theirs)
  return {
    work: `${work}: ${mine} / ${rival}`,
    wanted: `≥ ${least} ×`,
    measured: `${measured.toFixed(2)} ×`,
    met: measured >= least
  }
}

/** Our CPU time against a rival's. */
export const cost = (
  work: string,
  results: ReadonlyArray<Result>,
  mine: string,
  rival: string,
  most: number
): Target => {
  const [ours, theirs] = [find(results, mine), find(results, rival)]
  const measured = ours === undefined || theirs === undefined ? Number.NaN : cpuTimes(ours, theirs)
  return {
    work: `CPU of ${work}: ${mine} / ${rival}`,
    wanted: `≤ ${most} ×`,
    measured: `${measured.toFixed(2)} ×`,
    met: measured <= most
  }
}

/** The slowest of a thousand of our operations against a rival's. */
export const tail = (
  work: string,
  results: ReadonlyArray<Result>,
  mine: string,
  rival: string,
  most: number
): Target => {
  const [ours, theirs] = [find(results, mine), find(results, rival)]
  const measured = ours === undefined || theirs === undefined ? Number.NaN : slowestTimes(ours, theirs)
  return {
    work: `p99.9 of ${work}: ${mine} / ${rival}`,
    wanted: `≤ ${most} ×`,
    measured: `${measured.toFixed(2)} ×`,
    met: measured <= most
  }
}

/** What a policy adds, in microseconds of CPU time. */
export const added = (results: ReadonlyArray<Result>, policy: string, most: number): Target => {
  const [mine, none] = [find(results, policy), find(results, "no policy")]
  const measured = mine === undefined || none === undefined ? Number.NaN : cpuMore(mine, none)
  return {
    work: `CPU that is added to a get: ${policy}`,
    wanted: `≤ ${most} µs`,
    measured: `${measured.toFixed(2)} µs`,
    met: measured <= most
  }
}
