/** Comparison of secrets: how long it takes does not tell how much of a wrong one is right. */
import { timingSafeEqual } from "node:crypto"

export const isSameSecret = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
