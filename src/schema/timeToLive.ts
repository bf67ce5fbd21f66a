/** Lifetimes: from `Duration.Input` to milliseconds, with jitter. */
import { Duration, Option } from "effect"

/** Milliseconds; `Infinity` = never expires, zero or less = expires at once, undefined = not a duration. */
export const toMillis = (input: Duration.Input): number | undefined => {
  if (typeof input === "number") return normalise(input)
  return Option.match(Duration.fromInput(input), {
    onNone: () => undefined,
    onSome: (duration) => normalise(Duration.toMillis(duration))
  })
}

/** The server counts whole milliseconds from 1970 in 64 bits; dates end where JavaScript's do. */
const maxMillis = 8.64e15

const normalise = (millis: number): number | undefined => {
  if (Number.isNaN(millis)) return undefined
  if (millis <= 0) return 0
  const whole = Math.ceil(millis)
  return whole > maxMillis && whole !== Infinity ? undefined : whole
}

/** Spreads a lifetime by ± `fraction`, so that entries written together do not expire together. `random` is in [0, 1). */
export const withJitter = (millis: number, fraction: number, random: number): number =>
  fraction === 0 || millis <= 0 || millis === Infinity
    ? millis
    : Math.max(1, Math.round(millis * (1 + fraction * (2 * random - 1))))
