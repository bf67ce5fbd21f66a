/** GEOSEARCH and its older relatives: what lies in a circle or a box. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { sortedSetAt } from "../kernel/access.ts"
import { int64, keyOf, keyword } from "../kernel/arguments.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { storeAll } from "../sortedSets/ranked.ts"
import { parseScore } from "../sortedSets/scores.ts"
import type { SortedSetValue } from "../values/SortedSetValue.ts"
import type { StringValue } from "../values/StringValue.ts"
import { decodePlace, distance, latitudeDistance, type Place } from "./geohash.ts"
import { distanceText, placeOf, placeReply, unitOf } from "./words.ts"

interface Circle {
  readonly radius: number
}

interface Box {
  readonly width: number
  readonly height: number
}

/** In metres; `unit` is how many of them are one of what was asked in. */
type Shape = (Circle | Box) & { readonly unit: number }

interface Match {
  readonly member: StringValue
  readonly score: number
  readonly place: Place
  /** Metres. */
  readonly distance: number
}

type Origin = "place" | "member" | "words"

interface Variant {
  readonly name: string
  readonly origin: Origin
  /** What may say where the result goes. */
  readonly stores: "option" | "never" | "always"
}

const sizeOf = (arg: WireArg | undefined, what: string): number => {
  const size = parseScore(arg)
  if (size === undefined) throw new ServerReply(`ERR need numeric ${what}`)
  return size
}

const circle = (radiusArg: WireArg | undefined, unitArg: WireArg | undefined): Shape => {
  const radius = sizeOf(radiusArg, "radius")
  if (radius < 0) throw new ServerReply("ERR radius cannot be negative")
  const unit = unitOf(unitArg)
  return { radius: radius * unit, unit }
}

const box = (widthArg: WireArg | undefined, heightArg: WireArg | undefined, unitArg: WireArg | undefined): Shape => {
  const [width, height] = [sizeOf(widthArg, "width"), sizeOf(heightArg, "height")]
  if (width < 0 || height < 0) throw new ServerReply("ERR height or width cannot be negative")
  const unit = unitOf(unitArg)
  return { width: width * unit, height: height * unit, unit }
}

/** How far from the middle, where it is within; undefined = without. */
const distanceWithin = (shape: Shape, middle: Place, place: Place): number | undefined => {
  if ("radius" in shape) {
    const away = distance(middle, place)
    return away <= shape.radius ? away : undefined
  }
  if (latitudeDistance(place.latitude, middle.latitude) > shape.height / 2) return undefined
  const across = distance(place, { longitude: middle.longitude, latitude: place.latitude })
  return across > shape.width / 2 ? undefined : distance(middle, place)
}

interface Search {
  middle: Place | undefined
  shape: Shape | undefined
  target: string | undefined
  storesDistance: boolean
  sort: "ASC" | "DESC" | undefined
  count: number
  any: boolean
  readonly shown: Set<string>
}

const memberPlace = (set: SortedSetValue, member: WireArg | undefined): Place => {
  const found = set.find(member ?? "")
  if (found === undefined) throw new ServerReply("ERR could not decode requested zset member")
  return decodePlace(found.score)
}

const shownWords: ReadonlySet<string> = new Set(["WITHDIST", "WITHHASH", "WITHCOORD"])

/** An option with its values has no more: BYBOX. */
const mostWords = 4

/** Reads one option; how many words it took, 0 = it is none. */
const readOption = (
  search: Search,
  { origin, stores }: Variant,
  set: SortedSetValue | undefined,
  [wordArg, a, b, c]: ReadonlyArray<WireArg>,
  seen: Set<string>
): number => {
  const word = keyword(wordArg!)
  const more = [a, b, c].filter((arg) => arg !== undefined).length
  const asks = origin === "words"
  if (shownWords.has(word)) {
    search.shown.add(word)
    return 1
  }
  if (word === "ANY") {
    search.any = true
    return 1
  }
  if (word === "ASC" || word === "DESC") {
    search.sort = word
    return 1
  }
  if (word === "COUNT" && more >= 1) {
    search.count = Number(int64(a))
    if (search.count <= 0) throw new ServerReply("ERR COUNT must be > 0")
    return 2
  }
  if ((word === "STORE" || word === "STOREDIST") && more >= 1 && stores === "option") {
    search.target = keyOf(a)
    search.storesDistance = word === "STOREDIST"
    return 2
  }
  if (word === "STOREDIST" && stores === "always") {
    search.storesDistance = true
    return 1
  }
  if (word === "FROMMEMBER" && more >= 1 && asks && !seen.has("FROMLONLAT")) {
    seen.add(word)
    if (set !== undefined) search.middle = memberPlace(set, a)
    return 2
  }
  if (word === "FROMLONLAT" && more >= 2 && asks && !seen.has("FROMMEMBER")) {
    search.middle = placeOf(a, b)
    seen.add(word)
    return 3
  }
  if (word === "BYRADIUS" && more >= 2 && asks && !seen.has("BYBOX")) {
    search.shape = circle(a, b)
    seen.add(word)
    return 3
  }
  if (word === "BYBOX" && more >= 3 && asks && !seen.has("BYRADIUS")) {
    search.shape = box(a, b, c)
    seen.add(word)
    return 4
  }
  return 0
}

const matchesIn = (set: SortedSetValue, { any, count, middle, shape, sort }: Search): ReadonlyArray<Match> => {
  const found: Array<Match> = []
  for (const { member, score } of set.ranked) {
    if (any && found.length === count) break
    const place = decodePlace(score)
    const away = distanceWithin(shape!, middle!, place)
    if (away !== undefined) found.push({ member, score, place, distance: away })
  }
  // The nearest ones, where not any will do.
  const order = sort ?? (count > 0 && !any ? "ASC" : undefined)
  if (order !== undefined) found.sort((a, b) => (order === "ASC" ? a.distance - b.distance : b.distance - a.distance))
  return count > 0 ? found.slice(0, count) : found
}

const told = ({ shape, shown }: Search, { distance, member, place, score }: Match): Reply =>
  shown.size === 0
    ? member
    : [
        member,
        ...(shown.has("WITHDIST") ? [distanceText(distance / shape!.unit)] : []),
        ...(shown.has("WITHHASH") ? [Math.trunc(score)] : []),
        ...(shown.has("WITHCOORD") ? [placeReply(place)] : [])
      ]

const search = (least: number, variant: Variant): MemoryCommand =>
  atLeast(least, (context, args): Reply => {
    const { name, origin, stores } = variant
    const targetArg = stores === "always" ? args[0] : undefined
    const [keyArg, ...rest] = stores === "always" ? args.slice(1) : args
    const set = sortedSetAt(context, keyOf(keyArg))
    const asked: Search = {
      middle: undefined,
      shape: undefined,
      target: targetArg === undefined ? undefined : keyOf(targetArg),
      storesDistance: false,
      sort: undefined,
      count: 0,
      any: false,
      shown: new Set()
    }
    let words = rest
    if (origin === "place") {
      asked.middle = placeOf(words[0], words[1])
      asked.shape = circle(words[2], words[3])
      words = words.slice(4)
    } else if (origin === "member") {
      if (set !== undefined) {
        asked.middle = memberPlace(set, words[0])
        asked.shape = circle(words[1], words[2])
      }
      words = words.slice(3)
    }
    const seen = new Set<string>()
    for (let i = 0; i < words.length;) {
      const taken = readOption(asked, variant, set, words.slice(i, i + mostWords), seen)
      if (taken === 0) throw syntaxError()
      i += taken
    }
    if (asked.target !== undefined && asked.shown.size > 0) {
      const who = stores === "always" ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS"
      throw new ServerReply(`ERR ${who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`)
    }
    if (origin === "words" && !seen.has("FROMMEMBER") && !seen.has("FROMLONLAT")) {
      throw new ServerReply(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`)
    }
    if (origin === "words" && !seen.has("BYRADIUS") && !seen.has("BYBOX")) {
      throw new ServerReply(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`)
    }
    if (asked.any && asked.count === 0) throw new ServerReply("ERR the ANY argument requires COUNT argument")
    const found = set === undefined ? [] : matchesIn(set, asked)
    if (asked.target === undefined) return found.map((match) => told(asked, match))
    return storeAll(
      context,
      asked.target,
      found.map(({ distance, member, score }) => ({
        member,
        score: asked.storesDistance ? distance / asked.shape!.unit : score
      }))
    )
  })

export const searchCommands: CommandTable = {
  GEOSEARCH: search(6, { name: "GEOSEARCH", origin: "words", stores: "never" }),
  GEOSEARCHSTORE: search(7, { name: "GEOSEARCHSTORE", origin: "words", stores: "always" }),
  GEORADIUS: search(5, { name: "GEORADIUS", origin: "place", stores: "option" }),
  GEORADIUS_RO: search(5, { name: "GEORADIUS_RO", origin: "place", stores: "never" }),
  GEORADIUSBYMEMBER: search(4, { name: "GEORADIUSBYMEMBER", origin: "member", stores: "option" }),
  GEORADIUSBYMEMBER_RO: search(4, { name: "GEORADIUSBYMEMBER_RO", origin: "member", stores: "never" })
}
