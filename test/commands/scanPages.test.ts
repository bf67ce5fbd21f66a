/** A scan in pages over several servers, of which some may be away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import {
  CacheConnectionError,
  CacheServerError,
  type CommandError,
  type ScanPage,
  type ScanPageOptions
} from "effect-vcache"
import { scanPagesOver } from "../../src/layers/commands/scan.ts"

const failing = (failures: Readonly<Record<string, CommandError>>) =>
  scanPagesOver(Effect.succeed(["c", "a", "b"]), (server) => (cursor) => {
    const failure = failures[server]
    return failure === undefined
      ? Effect.succeed({ keys: [`${server}${cursor ?? "0"}`], next: cursor === undefined ? "1" : undefined })
      : Exit.fail(failure)
  })

const away = new CacheConnectionError({
  operation: "SCAN",
  phase: "connect",
  code: "ECONNREFUSED",
  node: "b",
  mayHaveExecuted: false
})

const all = (pages: ReturnType<typeof scanPagesOver>, options?: ScanPageOptions) =>
  Effect.gen(function* () {
    const [keys, unreachable]: [Array<string>, Array<string>] = [[], []]
    let cursor: string | undefined
    do {
      const page: ScanPage = yield* pages(cursor, options)
      keys.push(...page.keys)
      if (page.unreachable !== undefined) unreachable.push(page.unreachable)
      cursor = page.next
    } while (cursor !== undefined)
    return { keys, unreachable }
  })

describe("a scan in pages over several servers", () => {
  it.effect("fails at a server that is away, or passes over it and names it", () =>
    Effect.gen(function* () {
      const passOver = { whenUnreachable: "passOver" } as const
      assert.deepStrictEqual((yield* all(failing({}), passOver)).keys, ["a0", "a1", "b0", "b1", "c0", "c1"])
      assert.strictEqual(yield* Effect.flip(all(failing({ b: away }))), away)
      assert.deepStrictEqual(yield* all(failing({ b: away }), passOver), {
        keys: ["a0", "a1", "c0", "c1"],
        unreachable: ["b"]
      })
      assert.deepStrictEqual(yield* all(failing({ a: away, b: away, c: away }), passOver), {
        keys: [],
        unreachable: ["a", "b", "c"]
      })
    })
  )

  it.effect("fails at a server that refuses the scan: it is not away", () =>
    Effect.gen(function* () {
      const refused = new CacheServerError({
        operation: "SCAN",
        code: "NOPERM",
        reply: "NOPERM",
        node: "b",
        mayHaveExecuted: false
      })
      const scanned = all(failing({ b: refused }), { whenUnreachable: "passOver" })
      assert.strictEqual(yield* Effect.flip(scanned), refused)
    })
  )
})
