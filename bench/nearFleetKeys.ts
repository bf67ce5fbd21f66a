/** What the processes of a fleet read and write. */

export const fleetKeys = 100_000

export const fleetKey = (i: number): string => `product:${i}`

/** A record of about 150 bytes of JSON. */
export const product = (i: number) => ({
  id: i,
  name: `product ${i}`,
  price: i / 4,
  stock: i % 100,
  description: "what it is and what it is good for, in a few words",
  updated: 1_767_225_600_000 + i
})

/** Numbers of keys, the lower the more often, as in most caches: the frequency of the nth is 1 / n. Ends where it began. */
export const zipf = (seed: number): (() => number) => {
  const sums = new Float64Array(fleetKeys)
  let sum = 0
  for (let i = 0; i < fleetKeys; i++) sums[i] = sum += 1 / (i + 1)
  let state = seed >>> 0
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const drawn = Uint32Array.from({ length: 500_000 }, () => {
    const wanted = random() * sum
    let [low, high] = [0, fleetKeys - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  })
  let next = 0
  return () => drawn[next++ % drawn.length]!
}
