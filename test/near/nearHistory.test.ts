/** The promises of the near store, over generated histories of a process, a server and a channel that breaks. */
import { assert, describe, it } from "@effect/vitest"
import { type Broken, nearHistory } from "../support/near/nearHistory.ts"

const histories = 60
const steps = 1500

const allHistories = (broken?: Broken, hold?: "all") => {
  let reads = 0
  let near = 0
  const violations: Array<string> = []
  for (let i = 0; i < histories; i++) {
    const report = nearHistory(`near ${i}`, steps, broken, hold)
    reads += report.reads
    near += report.near
    for (const violation of report.violations) violations.push(`near ${i}, ${violation}`)
    // One is enough to see that it shows.
    if (broken !== undefined && violations.length > 0) break
  }
  return { reads, near, violations }
}

describe("histories of a near store", () => {
  it("keep every promise, and many reads are near", () => {
    const { near, reads, violations } = allHistories()
    assert.deepStrictEqual(violations.slice(0, 5), [])
    assert.isAbove(near, reads / 6)
  })

  it("keep every promise where all keys are held, and more reads are near", () => {
    const { near, reads, violations } = allHistories(undefined, "all")
    assert.deepStrictEqual(violations.slice(0, 5), [])
    assert.isAbove(near, reads / 4)
  })

  for (const broken of ["what changes is not listed", "all that was read before a loss counts"] as const) {
    it(`show ${broken}`, () => assert.isAbove(allHistories(broken, "all").violations.length, 0))
  }

  const counterProofs: ReadonlyArray<Broken> = [
    "no mark on reads under way",
    "the order of replies is not looked at",
    "proof by the time of receiving",
    "neither flush",
    "no epoch",
    "a bypass leaves the old entry",
    "no proof",
    "own writes wait for their announcement",
    "no deadline of its own"
  ]
  for (const broken of counterProofs) {
    it(`show ${broken}`, () => assert.isAbove(allHistories(broken).violations.length, 0))
  }
})
