/** MurmurHash64A, the server's hash of what it counts. */

const mask = 2n ** 64n - 1n
const multiplier = 0xc6a4a7935bd1e995n
const seed = 0xadc83b19n

const mixed = (word: bigint): bigint => {
  const product = (word * multiplier) & mask
  return ((product ^ (product >> 47n)) * multiplier) & mask
}

export const murmurHash64 = (bytes: Buffer): bigint => {
  let hash = seed ^ ((BigInt(bytes.length) * multiplier) & mask)
  const whole = bytes.length - (bytes.length % 8)
  for (let at = 0; at < whole; at += 8) {
    hash = ((hash ^ mixed(bytes.readBigUInt64LE(at))) * multiplier) & mask
  }
  if (whole < bytes.length) {
    let rest = 0n
    for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at]!)
    hash = ((hash ^ rest) * multiplier) & mask
  }
  hash = ((hash ^ (hash >> 47n)) * multiplier) & mask
  return hash ^ (hash >> 47n)
}
