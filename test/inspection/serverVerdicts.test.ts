/** What is said of a server that has answered one question of two. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CacheServerError, CacheTimeoutError, type CommandError } from "effect-vcache"
import { verdictsOn } from "../../src/layers/inspection/serverVerdicts.ts"

describe("a verdict about the configuration", () => {
  it("says that the user may not read it only where the server has said so", () => {
    const finding = (error: CommandError) => {
      const look = { info: Result.succeed(new Map<string, string>()), config: Result.fail(error) }
      const verdict = verdictsOn("cluster", new Map([["a:1", look]])).find(({ check }) => check === "config")
      assert.strictEqual(verdict?.status, "unknown")
      return verdict
    }
    const refused = finding(
      new CacheServerError({ operation: "CONFIG", code: "NOPERM", reply: "NOPERM", mayHaveExecuted: false })
    )
    assert.match(refused?.finding ?? "", /The user may not read the configuration/)
    const late = finding(
      new CacheTimeoutError({ operation: "CONFIG", phase: "command", timeout: 9, mayHaveExecuted: true })
    )
    assert.notMatch(late?.finding ?? "", /may not/)
    assert.isUndefined(late?.advice)
  })
})
