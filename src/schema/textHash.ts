/** FNV-1a over at most 63 characters, the last one among them. Texts that differ elsewhere only have the same hash. */
export const textHash = (text: string): number => {
  const step = (text.length >> 5) + 1
  let hash = text.length
  for (let i = text.length - 1; i >= 0; i -= step) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash ^ (hash >>> 15)
}
