/** The verdicts on a server that has not answered INFO or CONFIG. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CacheServerError, CacheTimeoutError, type CommandError } from "effect-vcache"
import { verdictsOn } from "../../src/layers/inspection/serverVerdicts.ts"

const answered = (operation: string, code: string) =>
  new CacheServerError({ operation, code, reply: code, mayHaveExecuted: false })

describe("a verdict about INFO", () => {
  it("advises a right only where the server has said that it is missing", () => {
    const verdictOn = (code: string) => {
      const look = { info: Result.fail(answered("INFO", code)), config: undefined }
      const [verdict] = verdictsOn("cluster", new Map([["a:1", look]]))
      assert.deepInclude(verdict, { check: "info", server: "a:1", status: "unknown" })
      return verdict
    }
    assert.strictEqual(verdictOn("NOPERM")?.advice, "ACL SETUSER <user> +info")
    assert.isUndefined(verdictOn("LOADING")?.advice)
  })
})

describe("a verdict about the configuration", () => {
  it("says that the user may not read it only where the server has said so", () => {
    const finding = (error: CommandError) => {
      const look = { info: Result.succeed(new Map<string, string>()), config: Result.fail(error) }
      const verdict = verdictsOn("cluster", new Map([["a:1", look]])).find(({ check }) => check === "config")
      assert.strictEqual(verdict?.status, "unknown")
      return verdict
    }
    const refused = finding(answered("CONFIG", "NOPERM"))
    assert.match(refused?.finding ?? "", /The user may not read the configuration/)
    const late = finding(
      new CacheTimeoutError({ operation: "CONFIG", phase: "command", timeout: 9, mayHaveExecuted: true })
    )
    assert.notMatch(late?.finding ?? "", /may not/)
    assert.isUndefined(late?.advice)
    const loading = finding(answered("CONFIG", "LOADING"))
    assert.notMatch(loading?.finding ?? "", /may not/)
    assert.isUndefined(loading?.advice)
  })
})
