/** Places: members of sorted sets whose scores say where they are. */
import type { WireArg } from "../../../schema/Command.ts"
import { sortedSetAt } from "../kernel/access.ts"
import { keyOf, keyword } from "../kernel/arguments.ts"
import { atLeast, type CommandTable, type MemoryCommand } from "../kernel/command.ts"
import { syntaxError } from "../store/ServerReply.ts"
import { addMembers } from "../sortedSets/sortedSets.ts"
import { decodePlace, distance, encodePlace, geohashText } from "./geohash.ts"
import { searchCommands } from "./search.ts"
import { distanceText, placeOf, placeReply, unitOf } from "./words.ts"

const add: MemoryCommand = atLeast(4, (context, [key, ...words]) => {
  const options = new Set(["NX", "XX", "CH"])
  let first = 0
  while (first < words.length && options.has(keyword(words[first]!))) first++
  const given = words.slice(0, first)
  const rest = words.slice(first)
  const has = (option: string) => given.some((word) => keyword(word) === option)
  if (rest.length % 3 !== 0 || (has("NX") && has("XX"))) throw syntaxError()
  const pairs: Array<WireArg> = []
  for (let i = 0; i < rest.length; i += 3) {
    pairs.push(String(encodePlace(placeOf(rest[i], rest[i + 1]))), rest[i + 2]!)
  }
  return addMembers(context, [key!, ...given, ...pairs])
})

/** What there is to say of each member; null of those that are absent. */
const ofEach = (tell: (score: number) => ReturnType<MemoryCommand["run"]>): MemoryCommand =>
  atLeast(1, (context, [key, ...members]) => {
    const set = sortedSetAt(context, keyOf(key))
    return members.map((member) => {
      const found = set?.find(member)
      return found === undefined ? null : tell(found.score)
    })
  })

export const placeCommands: CommandTable = {
  ...searchCommands,
  GEOADD: add,
  GEOPOS: ofEach((score) => placeReply(decodePlace(score))),
  GEOHASH: ofEach((score) => geohashText(decodePlace(score))),
  GEODIST: {
    least: 3,
    most: Infinity,
    run: (context, [key, one, other, unitArg, ...more]) => {
      if (more.length > 0) throw syntaxError()
      const unit = unitArg === undefined ? 1 : unitOf(unitArg)
      const set = sortedSetAt(context, keyOf(key))
      const [from, to] = [set?.find(one ?? ""), set?.find(other ?? "")]
      if (from === undefined || to === undefined) return null
      return distanceText(distance(decodePlace(from.score), decodePlace(to.score)) / unit)
    }
  }
}
