/**
 * The arithmetic behind INCRBYFLOAT: the server adds in x87 long doubles (64-bit mantissa) and prints
 * seventeen decimals. Replies equal the server's only if the rounding does.
 */

/** mantissa × 2^exponent, the mantissa at most 64 bits. */
interface LongDouble {
  readonly mantissa: bigint
  readonly exponent: number
}

const mantissaBits = 64

/** The nearest long double to numerator / denominator, ties to even. */
const nearest = (numerator: bigint, denominator: bigint): LongDouble => {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 }
  const negative = numerator < 0n
  const magnitude = negative ? -numerator : numerator
  let exponent = bitLength(magnitude) - bitLength(denominator) - mantissaBits
  let mantissa = dividedRounding(magnitude, denominator, exponent)
  // The quotient has 64 or 65 bits at first.
  if (bitLength(mantissa) > mantissaBits) mantissa = dividedRounding(magnitude, denominator, ++exponent)
  return { mantissa: negative ? -mantissa : mantissa, exponent }
}

const bitLength = (value: bigint): number => value.toString(2).length

const dividedRounding = (numerator: bigint, denominator: bigint, exponent: number): bigint =>
  exponent >= 0
    ? divideHalfEven(numerator, denominator << BigInt(exponent))
    : divideHalfEven(numerator << BigInt(-exponent), denominator)

const divideHalfEven = (numerator: bigint, denominator: bigint): bigint => {
  const quotient = numerator / denominator
  const twice = (numerator % denominator) * 2n
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}

/** Decimal or hexadecimal text to a long double; undefined where the server would not read it as a finite float. */
export const parseLongDouble = (text: string): LongDouble | undefined => {
  const hexadecimal = /^([+-]?)0x([\da-f]+)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(text)
  if (hexadecimal !== null) {
    const [, sign, whole = "", fraction = "", power = "0"] = hexadecimal
    const digits = BigInt(`0x${whole}${fraction}`) * (sign === "-" ? -1n : 1n)
    return scaled(digits, 2n, Number(power) - 4 * fraction.length)
  }
  const parts = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i.exec(text)
  if (parts === null) return undefined
  const fraction = parts[3] ?? parts[4] ?? ""
  const digits = BigInt((parts[2] ?? "") + fraction) * (parts[1] === "-" ? -1n : 1n)
  return scaled(digits, 10n, Number(parts[5] ?? 0) - fraction.length)
}

const scaled = (digits: bigint, base: bigint, power: number): LongDouble | undefined => {
  if (digits === 0n) return { mantissa: 0n, exponent: 0 }
  // Beyond any long double.
  if (Math.abs(power) > 20_000) return undefined
  return power >= 0 ? nearest(digits * base ** BigInt(power), 1n) : nearest(digits, base ** BigInt(-power))
}

export const isInfinite = (text: string): boolean => /^[+-]?inf(?:inity)?$/i.test(text)

export const addLongDouble = (a: LongDouble, b: LongDouble): LongDouble => {
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent))
  return exponent >= 0 ? nearest(sum << BigInt(exponent), 1n) : nearest(sum, 1n << BigInt(-exponent))
}

/** `%.17Lf` without trailing zeros. */
export const formatLongDouble = ({ mantissa, exponent }: LongDouble): string => {
  const negative = mantissa < 0n
  const scaled = (negative ? -mantissa : mantissa) * 10n ** 17n
  const rounded = exponent >= 0 ? scaled << BigInt(exponent) : divideHalfEven(scaled, 1n << BigInt(-exponent))
  const digits = rounded.toString().padStart(18, "0")
  const decimals = digits.slice(-17).replace(/0+$/, "")
  const text = digits.slice(0, -17) + (decimals === "" ? "" : `.${decimals}`)
  return negative && text !== "0" ? `-${text}` : text
}
