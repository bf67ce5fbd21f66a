/** Counters: atomic on the server, exact or refused. */
import { Effect } from "effect"
import {
  type CommandError,
  CacheMissError,
  CacheServerError,
  type ExistingKeyError
} from "../../../schema/CacheError.ts"
import type { Reply } from "../../../schema/Command.ts"
import type { CacheCounters, CounterOptions } from "../../operations/CacheCounters.ts"
import type { Script } from "../../../schema/Script.ts"
import { refused, tryAgain } from "../../../schema/failures.ts"
import { isDigits } from "../../../schema/numberText.ts"
import { limitsOf } from "../../../schema/ValueLimits.ts"
import type { CacheContext } from "../kernel/context.ts"
import { replaceScript } from "../kernel/compareScripts.ts"
import { createScript, incrBigScript, incrFloatScript, incrScript } from "./counterScripts.ts"
import * as replies from "../kernel/replies.ts"

export const counterOperations = <A, RD, RE>(context: CacheContext<A, RD, RE>): CacheCounters => {
  const { client, finalKey, lifetime } = context
  const { maxDigits } = limitsOf(context.options.limits)

  /** Runs a counting script; null is a missing key. */
  const count = Effect.fnUntraced(function* (
    operation: string,
    script: Script,
    key: string,
    delta: number,
    options: CounterOptions = {}
  ) {
    const final = yield* finalKey(operation, key, options)
    const { initial } = options
    const start = initial === undefined ? "" : initial + delta
    if (typeof start === "number" && !isCounter(script, start)) {
      return yield* refused(operation, "initial plus delta is not a number that the counter can hold")
    }
    const millis = initial === undefined ? Infinity : yield* lifetime(operation, options.timeToLive)
    const reply = yield* client.eval(
      script,
      [final],
      [String(delta), String(start), millis === Infinity ? "" : String(millis)]
    )
    if (reply === null) return yield* new CacheMissError({ operation, key })
    return reply
  })

  const incr = (operation: string, key: string, delta: number, options?: CounterOptions) =>
    Number.isSafeInteger(delta)
      ? Effect.flatMap(count(operation, incrScript, key, delta, options), replies.integer(operation))
      : refused(operation, "delta must be a safe integer: use incrBig for larger numbers")

  const incrFloat: CacheCounters["incrFloat"] = (key, delta, options) =>
    Number.isFinite(delta)
      ? Effect.flatMap(count("incrFloat", incrFloatScript, key, delta, options), replies.finite("incrFloat"))
      : refused("incrFloat", "delta must be a finite number")

  /** Within 64 bits the server counts; beyond, we do, and store the sum where nobody was faster. */
  const incrBig: CacheCounters["incrBig"] = Effect.fnUntraced(function* (key, delta = 1n, options = {}) {
    const final = yield* finalKey("incrBig", key, options)
    const { initial } = options
    if (typeof delta !== "bigint") return yield* refused("incrBig", "delta must be a bigint")
    if (initial !== undefined && typeof initial !== "bigint") {
      return yield* refused("incrBig", "initial must be a bigint")
    }
    const start = initial === undefined ? undefined : initial + delta
    if (start !== undefined && !fits(start)) return yield* tooLong
    const millis = start === undefined ? Infinity : yield* lifetime("incrBig", options.timeToLive)
    const startText = start === undefined ? "" : String(start)
    const lifetimeText = millis === Infinity ? "" : String(millis)
    if (BigInt.asIntN(64, delta) === delta) {
      const counted = yield* client.eval(incrBigScript, [final], [delta, startText, lifetimeText]).pipe(
        Effect.map((reply) => ({ reply })),
        Effect.catchIf(isNotInt64, () => Effect.succeed(undefined))
      )
      if (counted !== undefined) return yield* bigintOf(key, counted.reply)
    }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = yield* client.send("GET", [final])
      if (stored === null && start !== undefined) {
        const created = yield* client.eval(createScript, [final], ["", startText, lifetimeText])
        if (created === 1) return start
        continue
      }
      const sum = (yield* bigintOf(key, stored)) + delta
      if (!fits(sum)) return yield* tooLong
      if ((yield* client.eval(replaceScript, [final], [String(stored), sum, ""])) === 1) return sum
    }
    return yield* tryAgain("incrBig", `${maxAttempts} others changed the counter first`)
  })

  /** Whether `get` could read it. Counted in hexadecimal, which takes no time; each digit is worth 1.204 decimal ones. */
  const fits = (value: bigint): boolean => value.toString(16).length * 1.204 <= maxDigits
  const tooLong = refused("incrBig", "the counter would have more digits than the limit maxDigits allows")

  const bigintOf = (key: string, reply: Reply): Effect.Effect<bigint, ExistingKeyError> => {
    if (reply === null) return Effect.fail(new CacheMissError({ operation: "incrBig", key }))
    if (typeof reply !== "string") return replies.unexpected("incrBig")
    return reply.length <= maxDigits + 1 && isDigits(reply)
      ? Effect.succeed(BigInt(reply))
      : Effect.fail(notAnInteger("incrBig"))
  }

  return {
    incr: (key, delta = 1, options) => incr("incr", key, delta, options),
    decr: (key, delta = 1, options) => incr("decr", key, -delta, options),
    incrFloat,
    incrBig
  }
}

const maxAttempts = 100

const isCounter = (script: Script, value: number): boolean =>
  script === incrScript ? Number.isSafeInteger(value) : Number.isFinite(value)

const notAnInteger = (operation: string) =>
  new CacheServerError({ operation, code: "ERR", reply: "ERR value is not an integer", mayHaveExecuted: false })

const isNotInt64 = (error: CommandError): boolean =>
  error._tag === "CacheServerError" && /would overflow|not an integer/.test(error.reply)
