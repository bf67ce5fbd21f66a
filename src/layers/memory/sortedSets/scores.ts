/** Scores, as the server reads and writes them. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { textOf } from "../kernel/arguments.ts"
import { isInfinite } from "../kernel/longDouble.ts"
import type { Scored } from "../values/SortedSetValue.ts"

/** As the server reads a double. */
export const parseScore = (value: WireArg | undefined): number | undefined => {
  const text = textOf(value ?? "")
  if (isInfinite(text)) return text.startsWith("-") ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  return Number(text)
}

/** As the server writes a double: the shortest digits, and its own idea of when to use an exponent. */
export const scoreText = (score: number): string => {
  if (score === Infinity) return "inf"
  if (score === -Infinity) return "-inf"
  if (Object.is(score, -0)) return "-0"
  if (Number.isInteger(score) && Math.abs(score) < 2 ** 52 - 1) return String(score)
  const [, sign = "", first = "", rest = "", power = ""] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(score.toExponential()) ?? []
  const digits = first + rest
  const scale = Number(power) - rest.length
  const exponent = Math.abs(Number(power))
  if (scale >= 0 && exponent < digits.length + 7) return sign + digits + "0".repeat(scale)
  if (scale < 0 && (scale > -7 || exponent < 4)) {
    const point = digits.length + scale
    return point <= 0
      ? `${sign}0.${"0".repeat(-point)}${digits}`
      : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
  }
  return `${sign}${first}${rest === "" ? "" : `.${rest}`}e${power.startsWith("-") ? "-" : "+"}${exponent}`
}

/** Members, with their scores where those are asked for. */
export const withScores = (chosen: ReadonlyArray<Scored>, scores: boolean): Reply =>
  chosen.flatMap(({ member, score }) => (scores ? [member, scoreText(score)] : [member]))
