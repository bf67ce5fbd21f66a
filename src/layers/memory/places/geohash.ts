/** Places on the earth as whole numbers of 52 bits, which are near where the places are near. */

export interface Place {
  /** Degrees. */
  readonly longitude: number
  readonly latitude: number
}

const steps = 26
const cells = 2 ** steps

export const longitudeLimit = 180
/** Of Web Mercator: nothing nearer to a pole has a place. */
export const latitudeLimit = 85.05112878

/** Every other bit: those of the first at the even places. */
const interleaved = (even: number, odd: number): bigint => {
  let bits = 0n
  for (let i = 0; i < 32; i++) {
    bits |= BigInt(Math.floor(even / 2 ** i) % 2) << BigInt(2 * i)
    bits |= BigInt(Math.floor(odd / 2 ** i) % 2) << BigInt(2 * i + 1)
  }
  return bits
}

const bitsOf = ({ latitude, longitude }: Place, limit: number): bigint =>
  interleaved(
    Math.floor(((latitude + limit) / (2 * limit)) * cells),
    Math.floor(((longitude + longitudeLimit) / (2 * longitudeLimit)) * cells)
  )

export const encodePlace = (place: Place): number => Number(bitsOf(place, latitudeLimit))

/** The middle of the cell that the number stands for. Any score is read as one. */
export const decodePlace = (score: number): Place => {
  const bits = Number.isFinite(score) ? BigInt.asUintN(64, BigInt(Math.trunc(score))) : 0n
  let [x, y] = [0, 0]
  for (let i = 0; i < 32; i++) {
    if (((bits >> BigInt(2 * i)) & 1n) === 1n) y += 2 ** i
    if (((bits >> BigInt(2 * i + 1)) & 1n) === 1n) x += 2 ** i
  }
  return { longitude: middle(x, longitudeLimit), latitude: middle(y, latitudeLimit) }
}

const middle = (cell: number, limit: number): number => {
  const from = -limit + (cell / cells) * (2 * limit)
  const to = -limit + ((cell + 1) / cells) * (2 * limit)
  return Math.min(limit, Math.max(-limit, (from + to) / 2))
}

const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"

/** As the world writes it: eleven characters of five bits, of which the last has none left. */
export const geohashText = (place: Place): string => {
  const bits = bitsOf(place, 90)
  const characters = Array.from({ length: 11 }, (_, i) =>
    i === 10 ? 0 : Number((bits >> BigInt(52 - (i + 1) * 5)) & 31n)
  )
  return characters.map((index) => alphabet[index]).join("")
}

/** Metres. */
const earthRadius = 6372797.560856

const radians = (degrees: number): number => degrees * (Math.PI / 180)

/** Metres along a meridian. */
export const latitudeDistance = (a: number, b: number): number => earthRadius * Math.abs(radians(b) - radians(a))

/** Metres, on a sphere. */
export const distance = (a: Place, b: Place): number => {
  const v = Math.sin((radians(b.longitude) - radians(a.longitude)) / 2)
  if (v === 0) return latitudeDistance(a.latitude, b.latitude)
  const [from, to] = [radians(a.latitude), radians(b.latitude)]
  const u = Math.sin((to - from) / 2)
  return 2 * earthRadius * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v))
}
