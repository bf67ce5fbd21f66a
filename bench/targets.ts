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

/** How one result compares with another; no number where one of them is missing. */
const compared = (
  results: ReadonlyArray<Result>,
  mine: string,
  other: string,
  compare: (mine: Result, other: Result) => number
): number => {
  const [ours, theirs] = [find(results, mine), find(results, other)]
  if (ours === undefined || theirs === undefined) return Number.NaN
  return ours.failed === undefined && theirs.failed === undefined ? compare(ours, theirs) : Number.NaN
}

const shown = (measured: number, unit: string): string =>
  Number.isNaN(measured) ? "not measured" : `${measured.toFixed(2)} ${unit}`

/** Ours against a rival's, from the same rounds. */
export const ratio = (
  work: string,
  results: ReadonlyArray<Result>,
  mine: string,
  rival: string,
  least: number
): Target => {
  const measured = compared(results, mine, rival, times)
  return {
    work: `${work}: ${mine} / ${rival}`,
    wanted: `≥ ${least} ×`,
    measured: shown(measured, "×"),
    met: measured >= least
  }
}

const atMost =
  (what: string, compare: (mine: Result, rival: Result) => number) =>
  (work: string, results: ReadonlyArray<Result>, mine: string, rival: string, most: number): Target => {
    const measured = compared(results, mine, rival, compare)
    return {
      work: `${what} of ${work}: ${mine} / ${rival}`,
      wanted: `≤ ${most} ×`,
      measured: shown(measured, "×"),
      met: measured <= most
    }
  }

/** Our CPU time against a rival's. */
export const cost = atMost("CPU", cpuTimes)

/** How many times less CPU time ours takes than another's. */
export const less = (
  work: string,
  results: ReadonlyArray<Result>,
  mine: string,
  other: string,
  least: number
): Target => {
  const measured = compared(results, other, mine, cpuTimes)
  return {
    work: `${work}: CPU of ${other} / ${mine}`,
    wanted: `≥ ${least} ×`,
    measured: shown(measured, "×"),
    met: measured >= least
  }
}

/** Bytes that an entry of ours holds, against a rival's. */
export const perEntry = (work: string, mine: number, rival: number, most: number): Target => ({
  work: `bytes of ${work}`,
  wanted: `≤ ${most} ×`,
  measured: shown(mine / rival, "×"),
  met: mine / rival <= most
})

/** What nobody is to be sent. */
export const silence = (work: string, bytes: number): Target => ({
  work,
  wanted: "nothing is sent",
  measured: `${bytes.toFixed(0)} bytes/s`,
  met: bytes === 0
})

/** The slowest of a thousand of our operations against a rival's. */
export const tail = atMost("p99.9", slowestTimes)

/** What a policy adds, in microseconds of CPU time. */
export const added = (results: ReadonlyArray<Result>, policy: string, most: number): Target => {
  const measured = compared(results, policy, "no policy", cpuMore)
  return {
    work: `CPU that is added to a get: ${policy}`,
    wanted: `≤ ${most} µs`,
    measured: shown(measured, "µs"),
    met: measured <= most
  }
}
