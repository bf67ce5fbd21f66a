/** Tags keep their promises in every interleaving of small programs, and each simpler way breaks in one of them. */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Process } from "../support/tags/explore.ts"
import {
  afterwards,
  beginning,
  caller,
  eviction,
  failover,
  type Flaws,
  landing,
  reader,
  rememberingReader,
  storer,
  strangerWriter,
  type World,
  writer
} from "../support/tags/tagPrograms.ts"

type Program = Readonly<Record<string, Process<World>>>

/** Callers in two processes, who look up and store, or somebody who only reads; what they do may fall together in any way. */
const programs = (tags: "given" | "of the value", flaws?: Flaws): Readonly<Record<string, Program>> => {
  const one = caller("p", tags, flaws)
  const other = caller("q", tags, flaws)
  const late = reader(flaws)
  const remembering = rememberingReader(flaws)
  return {
    "a lookup under way, and readers in two processes": { one, other, writer: writer() },
    "callers that share a lookup": { one, same: caller("p", tags, flaws), landing: landing("p"), writer: writer() },
    "two invalidations": { one, late, writer: writer(), second: writer() },
    "stale, and then removed": { one, late, writer: writer("stale"), second: writer() },
    "removed, and then stale": { one, late, writer: writer(), second: writer("stale") },
    "a lost token": { one, other, writer: writer(), loss: eviction("tag") },
    "a lost ledger": { one, late, writer: writer(), loss: eviction("ledger") },
    "both lost": { one, late, writer: writer(), loss: eviction("tag"), ledger: eviction("ledger") },
    "a failover that forgets": { one, late, writer: writer(), failover },
    "a reader who remembers": { one, remembering, writer: writer(), second: writer("stale") },
    "a reader who remembers, and a failover": { one, remembering, writer: writer(), failover }
  }
}

const holds = (program: Program, world = beginning()) => explore(world, program, ({ violated }) => violated)

/** The failover forgets that a tag was invalidated which the value does not bear. */
const forgetful = (flaws?: Flaws): Program => ({
  storer,
  remembering: rememberingReader(flaws),
  writer: writer(),
  stranger: strangerWriter,
  failover
})

for (const tags of ["given", "of the value"] as const) {
  describe(`tags that are ${tags}`, () => {
    for (const [name, program] of Object.entries(programs(tags))) {
      it(`${name}: nothing older is served to who comes after the invalidation`, () => {
        const { states, violation } = holds(program)
        assert.isUndefined(violation)
        assert.isAbove(states, 100)
      })
    }
  })
}

describe("a reader who remembers", () => {
  it("is told by the ledger alone", () => {
    const { "a reader who remembers": program = {} } = programs("given")
    assert.isDefined(explore(beginning(), program, ({ remembered }) => remembered).violation)
  })

  it("is not told so by a ledger that has counted other invalidations", () => {
    assert.isUndefined(holds(forgetful(), afterwards()).violation)
    assert.isDefined(holds(forgetful({ learnsAtOnce: true }), afterwards()).violation)
  })
})

describe("a simpler way", () => {
  const breaks: ReadonlyArray<readonly [string, "given" | "of the value", Flaws, string]> = [
    [
      "tokens that are read after the lookup",
      "given",
      { tokensAfterLookup: true },
      "a lookup under way, and readers in two processes"
    ],
    ["tokens without an era", "given", { noEra: true }, "a failover that forgets"],
    ["tokens of the value without an era", "of the value", { noEra: true }, "a failover that forgets"],
    [
      "flights that are joined without a look at tokens",
      "given",
      { joinsAnyFlight: true },
      "callers that share a lookup"
    ],
    [
      "flights that are joined without a look at the ledger",
      "of the value",
      { joinsAnyFlight: true },
      "callers that share a lookup"
    ],
    [
      "tags of the value without a ledger",
      "of the value",
      { noLedger: true },
      "a lookup under way, and readers in two processes"
    ],
    ["a history that is asked for before the records", "given", { eraFirst: true }, "a failover that forgets"],
    ["a missing token that is taken for none", "given", { missingIsLive: true }, "a lost token"],
    ["tokens that are remembered without a look", "given", { trustsMemory: true }, "a reader who remembers"],
    [
      "tokens that are remembered whoever's ledger it is",
      "given",
      { anyLedger: true },
      "a reader who remembers, and a failover"
    ]
  ]
  for (const [name, tags, flaws, program] of breaks) {
    it(`${name}: breaks with ${program}`, () => {
      assert.isDefined(holds(programs(tags, flaws)[program]!).violation)
    })
  }
})
