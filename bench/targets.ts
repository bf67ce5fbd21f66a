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

const atLeast = (work: string, measured: number, least: number): Target => ({
  work,
  wanted: `≥ ${least} ×`,
  measured: shown(measured, "×"),
  met: measured >= least
})

const atMost = (work: string, measured: number, most: number, unit = "×"): Target => ({
  work,
  wanted: `≤ ${most} ${unit}`,
  measured: shown(measured, unit),
  met: measured <= most
})

type Comparison = (work: string, results: ReadonlyArray<Result>, mine: string, rival: string, bound: number) => Target

/** Ours against a rival's, from the same rounds. */
export const ratio: Comparison = (work, results, mine, rival, least) =>
  atLeast(`${work}: ${mine} / ${rival}`, compared(results, mine, rival, times), least)

/** Our CPU time against a rival's. */
export const cost: Comparison = (work, results, mine, rival, most) =>
  atMost(`CPU of ${work}: ${mine} / ${rival}`, compared(results, mine, rival, cpuTimes), most)

/** How many times less CPU time ours takes than another's. */
export const less: Comparison = (work, results, mine, other, least) =>
  atLeast(`${work}: CPU of ${other} / ${mine}`, compared(results, other, mine, cpuTimes), least)

/** The slowest of a thousand of our operations against a rival's. */
export const tail: Comparison = (work, results, mine, rival, most) =>
  atMost(`p99.9 of ${work}: ${mine} / ${rival}`, compared(results, mine, rival, slowestTimes), most)

/** What a policy adds, in microseconds of CPU time. */
export const added = (results: ReadonlyArray<Result>, policy: string, most: number): Target =>
  atMost(`CPU that is added to a get: ${policy}`, compared(results, policy, "no policy", cpuMore), most, "µs")

/** Bytes that an entry of ours holds, against a rival's. */
export const perEntry = (work: string, mine: number, rival: number, most: number): Target =>
  atMost(`bytes of ${work}`, mine / rival, most)

/** How often the server is read for each write. */
export const reread = (work: string, reads: number, most: number): Target =>
  atMost(`reads of the server for each write of ${work}`, reads, most, "reads")

/** What nobody is to be sent. */
export const silence = (work: string, bytes: number): Target => ({
  work,
  wanted: "nothing is sent",
  measured: `${bytes.toFixed(0)} bytes/s`,
  met: bytes === 0
})
