/** A server's own replies are of the kinds that are listed, in whatever case the command is written. */
import { assert, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { rowOf } from "../../src/layers/commands/commandTable.ts"
import { ReplyError } from "../../src/layers/connection/RawReply.ts"
import { anyShape } from "../../src/layers/commands/replyShape.ts"
import { fits, shapeOf } from "../../src/layers/connection/replyFit.ts"
import { examples, given } from "../support/commandExamples.ts"
import { connect } from "../support/faults.ts"
import { startServer } from "../support/ValkeyServer.ts"

it.live(
  "every example of a command, with data and without",
  () =>
    Effect.gen(function* () {
      const server = yield* startServer()
      const { client } = yield* connect(server.url, { commandTimeout: 5000 })
      let answered = 0
      for (const { call, given: type } of examples) {
        const [name = "", ...args] = call
        if (!rowOf(name, args).isPlain) continue
        for (const data of type === undefined ? [[]] : [[], ["a", "b"].flatMap((key) => given[type](key))]) {
          for (const [name = "", ...args] of [["FLUSHALL"], ...data]) yield* client.send(name, args)
          for (const reply of ["utf8", "buffer"] as const) {
            const result = yield* Effect.result(
              client.send(reply === "utf8" ? name : name.toLowerCase(), args, { reply })
            )
            // Some examples need what is not there. Where the kind were wrong, the connection would be closed.
            const error = Result.isFailure(result) ? result.failure : undefined
            assert.isFalse(error?._tag === "CacheConnectionError", `${call.join(" ")}: ${error?.message}`)
            if (error === undefined) answered++
          }
        }
      }
      assert.isAbove(answered, 200)
    }).pipe(Effect.scoped),
  60_000
)

it("a reply of another kind does not fit, an error and QUEUED always do", () => {
  assert.isFalse(fits(shapeOf("GET"), 1))
  assert.isFalse(fits(shapeOf("get"), []))
  assert.isFalse(fits(shapeOf("INCR"), "1"))
  assert.isFalse(fits(shapeOf("MGET"), null))
  assert.isTrue(fits(shapeOf("GET"), null))
  assert.isTrue(fits(shapeOf("GET"), Buffer.from("x")))
  assert.isTrue(fits(shapeOf("INCR"), 2n))
  assert.strictEqual(shapeOf("EVAL"), anyShape)
  for (const name of ["GET", "INCR", "MGET"]) {
    assert.isTrue(fits(shapeOf(name), new ReplyError("ERR")))
    assert.isTrue(fits(shapeOf(name), Buffer.from("QUEUED")))
  }
})
