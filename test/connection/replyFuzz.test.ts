/** The parser of replies against chance: however the bytes are cut, it says the same, and nothing makes it throw. */
import { assert, it } from "@effect/vitest"
import { encodeReply, type RawReply, ReplyError } from "../../src/layers/connection/RawReply.ts"
import { ReplyParser } from "../../src/layers/connection/ReplyParser.ts"
import type { ReplyLimits } from "../../src/schema/ReplyLimits.ts"
import { Dice } from "../support/Dice.ts"
import { anyReply, distortions } from "../support/distortions.ts"

const limits: ReplyLimits = { depth: 8, stringBytes: 1000, totalBytes: 3000, elements: 200, lineBytes: 200 }

const faulty = "a fault"
const tooLarge = "too large"

/** What was told, errors and bytes by what they hold. */
const parse = (chunks: ReadonlyArray<Buffer>, asText: boolean): ReadonlyArray<unknown> => {
  const told: Array<unknown> = []
  const parser = new ReplyParser(
    {
      begin: () => asText,
      reply: (reply) => told.push(shown(reply)),
      tooLarge: () => told.push(tooLarge),
      skipped: () => told.push("skipped")
    },
    limits
  )
  for (const chunk of chunks) {
    if (parser.read(Buffer.from(chunk)) === undefined) continue
    // What is wrong may show sooner or later: by another name, or behind the news that it is too large.
    return [...(told.at(-1) === tooLarge ? told.slice(0, -1) : told), faulty]
  }
  return told
}

const shown = (reply: RawReply): unknown => {
  if (Buffer.isBuffer(reply)) return { bytes: reply.toString("latin1") }
  if (reply instanceof ReplyError) return { error: reply.message }
  return Array.isArray(reply) ? reply.map(shown) : reply
}

const cut = (bytes: Buffer, dice: Dice): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  const most = dice.pick([1, 2, 5, 40, 1000])
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + dice.below(most))
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}

const kinds = Object.values(distortions)

const stream = (dice: Dice): Buffer => {
  let text = ""
  for (let i = dice.below(8); i >= 0; i--) {
    const reply = anyReply(dice)
    text += dice.chance(0.7) ? reply : (dice.pick(kinds).make(reply, dice, "GET") ?? "").slice(0, 20_000)
  }
  return Buffer.from(text, "latin1")
}

const runs = Number(process.env["REPLY_FUZZ_RUNS"] ?? 1000)
const seed = process.env["REPLY_FUZZ_SEED"] ?? "effect-vcache"

it(`${runs} streams of replies, right and wrong, say the same however they are cut`, () => {
  let faults = 0
  let replies = 0
  for (let run = 0; run < runs; run++) {
    const dice = new Dice(`${seed}/${run}`)
    const bytes = stream(dice)
    for (const asText of [true, false]) {
      const whole = parse([bytes], asText)
      for (let i = 0; i < 3; i++) {
        assert.deepStrictEqual(parse(cut(bytes, dice), asText), whole, `seed ${seed}/${run}`)
      }
      replies += whole.length
      if (whole.at(-1) === faulty) faults++
    }
  }
  assert.isAbove(replies, 3 * runs)
  assert.isAbove(faults, runs / 10)
})

it("what is encoded is read again", () => {
  const random = (dice: Dice, depth = 0): RawReply => {
    switch (dice.below(depth < 4 ? 7 : 6)) {
      case 0:
        return null
      case 1:
        return dice.pick([0, -1, dice.below(1e9), Number.MAX_SAFE_INTEGER])
      case 2:
        return BigInt(Number.MAX_SAFE_INTEGER) * BigInt(2 + dice.below(500))
      case 3:
        return new ReplyError(`ERR ${dice.below(100)}`)
      case 4:
      case 5:
        return Buffer.from(Array.from({ length: dice.below(30) }, () => dice.below(256)))
      default:
        return Array.from({ length: dice.below(5) }, () => random(dice, depth + 1))
    }
  }
  for (let run = 0; run < 2000; run++) {
    const dice = new Dice(`${seed}/encoded/${run}`)
    const replies = Array.from({ length: 1 + dice.below(5) }, () => random(dice))
    const chunks = cut(Buffer.concat(replies.map(encodeReply)), dice)
    assert.deepStrictEqual(parse(chunks, false), replies.map(shown), `seed ${seed}/encoded/${run}`)
  }
})
