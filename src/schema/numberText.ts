/** Numbers as the server counts them: decimal text, whole numbers as digits. */

/** Of a finite number. All digits of a whole number are its own, so that the server counts on from what was stored. */
export const numberText = (value: number): string =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21
    ? String(BigInt(value))
    : String(value)

/** Whether the text is an integer. */
export const isDigits = (text: string): boolean => /^-?\d+$/.test(text)

/** Whether the text is a number, as counters are. */
export const isNumberText = (text: string): boolean => /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)

/** Whether the digits are those of the number that was read from them, and not only the nearest one's. */
export const isExact = (digits: string, value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && digits.length < 400 && BigInt(digits) === BigInt(value))
