/** What a value in memory is made of, counted as the limits count it. */

export interface Size {
  maxNodes: number
  maxDepth: number
  maxDigits: number
}

export const sizeOf = (root: unknown): Size => {
  const size: Size = { maxNodes: 0, maxDepth: 0, maxDigits: 0 }
  const waiting: Array<readonly [value: unknown, depth: number]> = [[root, 0]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next
    size.maxNodes++
    if (typeof value === "bigint") size.maxDigits = Math.max(size.maxDigits, String(value).replace("-", "").length)
    if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) continue
    size.maxDepth = Math.max(size.maxDepth, depth + 1)
    const items = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value)
    for (const item of items) waiting.push([item, depth + 1])
  }
  return size
}
