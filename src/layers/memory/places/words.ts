/** How places and distances are written. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { keyword } from "../kernel/arguments.ts"
import { notAFloat } from "../kernel/sums.ts"
import { ServerReply } from "../store/ServerReply.ts"
import { parseScore } from "../sortedSets/scores.ts"
import { latitudeLimit, longitudeLimit, type Place } from "./geohash.ts"

const units: Readonly<Record<string, number>> = { M: 1, KM: 1000, FT: 0.3048, MI: 1609.34 }

/** In metres. */
export const unitOf = (arg: WireArg | undefined): number => {
  const unit = units[keyword(arg ?? "")]
  if (unit === undefined) throw new ServerReply("ERR unsupported unit provided. please use M, KM, FT, MI")
  return unit
}

const coordinate = (arg: WireArg | undefined): number => {
  const number = parseScore(arg)
  if (number === undefined) throw notAFloat()
  return number
}

export const placeOf = (longitudeArg: WireArg | undefined, latitudeArg: WireArg | undefined): Place => {
  const place = { longitude: coordinate(longitudeArg), latitude: coordinate(latitudeArg) }
  if (Math.abs(place.longitude) > longitudeLimit || Math.abs(place.latitude) > latitudeLimit) {
    throw new ServerReply(`ERR invalid longitude,latitude pair ${fixed(place.longitude)},${fixed(place.latitude)}`)
  }
  return place
}

const fixed = (number: number): string => (Number.isFinite(number) ? number.toFixed(6) : number > 0 ? "inf" : "-inf")

/** Four digits behind the point, of two that are as near the even one. */
export const distanceText = (distance: number): string => {
  const scaled = distance * 10_000
  const down = Math.floor(scaled)
  const rest = scaled - down
  const rounded = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down
  return `${Math.floor(rounded / 10_000)}.${String(rounded % 10_000).padStart(4, "0")}`
}

/** All digits up to the seventeenth behind the point, without zeros at the end. */
const placeText = (degrees: number): string => {
  const text = degrees.toFixed(17)
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text
}

export const placeReply = ({ latitude, longitude }: Place): Reply => [placeText(longitude), placeText(latitude)]
