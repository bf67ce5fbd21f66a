/**
 * Small programs over one tagged entry: callers of getOrSet in one process or in two, a writer of the source who invalidates
 * the tag, and what a server can lose. The steps are those of the cache; what the server does, and what follows from it, is
 * the cache's own code.
 */
import type { Arg, Reply } from "../../../src/schema/Command.ts"
import type { Script } from "../../../src/schema/Script.ts"
import type { TagStamp } from "../../../src/schema/TagStamp.ts"
import { digestsOf, isUntouched, judge, stampOf, type TagRecords } from "../../../src/services/cache/tags/TagRecords.ts"
import { TagMemory } from "../../../src/services/cache/tags/TagMemory.ts"
import { recordsIn } from "../../../src/services/cache/tags/tagReplies.ts"
import { ensureTagsScript, invalidateTagsScript } from "../../../src/services/cache/tags/tagScripts.ts"
import type { Next, Own, Process } from "./explore.ts"

const ledgerKey = "ledger"
const names = ["tag"]

interface Entry {
  readonly value: number
  readonly stamp: TagStamp
}

export interface World {
  /** The version of what lookups read. */
  source: number
  /** The source's version when the last invalidation was begun, once it has returned. */
  floor: number
  readonly records: Record<string, string>
  replica: Record<string, string>
  era: number
  random: number
  entry: Entry | undefined
  /** Lookups under way, by their processes: what they were begun with, and what they gave. */
  readonly flights: Record<string, { readonly by: string; readonly value?: number } | undefined>
  /** A caller was given what is older than it may be. */
  violated: boolean
  /** A reader was told by the ledger alone that what it knew still holds. */
  remembered: boolean
}

export const beginning = (): World => ({
  source: 0,
  floor: 0,
  records: {},
  replica: {},
  era: 0,
  random: 0,
  entry: undefined,
  flights: {},
  violated: false,
  remembered: false
})

/** What is done in a way that breaks. */
export interface Flaws {
  /** Tags that the caller gives: their tokens are read when the value is stored. */
  readonly tokensAfterLookup?: boolean
  /** Entries say nothing about the history of the server that had their tokens. */
  readonly noEra?: boolean
  /** Whoever finds a lookup under way waits for it, whatever has been invalidated since it began. */
  readonly joinsAnyFlight?: boolean
  /** Tags of the value: nobody asks what was invalidated while the lookup ran. */
  readonly noLedger?: boolean
  /** The server is asked for its history before it is asked for the records. */
  readonly eraFirst?: boolean
  /** A token that is missing has not been invalidated. */
  readonly missingIsLive?: boolean
  /** Readers that know tokens do not ask whether anything was invalidated since. */
  readonly trustsMemory?: boolean
  /** Readers remember what they read, though they had not seen that history and that ledger before they read it. */
  readonly learnsAtOnce?: boolean
  /** Readers compare the ledger, and not whose it is. */
  readonly anyLedger?: boolean
}

const run = (world: World, script: Script, keys: ReadonlyArray<string>, args: ReadonlyArray<Arg>): Reply => {
  const { records } = world
  const call = (name: string, ...args: ReadonlyArray<Arg>): Reply => {
    const [key = "", value] = args.map(String)
    switch (name) {
      case "TYPE":
        return key in records ? "string" : "none"
      case "GET":
        return records[key] ?? null
      case "MGET":
        return args.map((key) => records[String(key)] ?? null)
      case "SET":
        records[key] = value ?? ""
        return "OK"
      case "PTTL":
        return -1
      default:
        throw new Error(`the programs know no ${name}`)
    }
  }
  const fail = (reply: string): never => {
    throw new Error(reply)
  }
  const reply = script.memory?.({ call, bytes: call, fail }, keys, args) ?? null
  // The era is the server's own, which the store in memory has not.
  return Array.isArray(reply) ? [`e${world.era}`, ...reply.slice(1)] : reply
}

const recordsOf = (reply: Reply): TagRecords => {
  const records = recordsIn(names, reply)
  if (records === undefined) throw new Error("the script gave no records")
  return records
}

/** Reading is two commands, MGET and INFO. */
const mget = ({ records }: World) => [ledgerKey, ...names].map((key) => records[key] ?? null)
const eraOf = ({ era }: World) => `e${era}`
const ensure = (world: World) =>
  recordsOf(run(world, ensureTagsScript, [ledgerKey, ...names], [`r${world.random++}`, "", ""]))

/** Between steps, as plain data. */
const kept = (records: TagRecords) => ({ ...records, tokens: [...records.tokens] })
const keptIn = (own: Own): TagRecords => {
  const { era, ledger, tokens } = own["records"] as ReturnType<typeof kept>
  return { era, ledger, tokens: new Map(tokens) }
}

const unless = <A>(isFlawed: boolean | undefined, value: A, flawed: A): A => (isFlawed === true ? flawed : value)

/** A caller of getOrSet, in the process of that name; `tags` are the caller's, or known only from the value. */
export const caller = (inProcess: string, tags: "given" | "of the value", flaws: Flaws = {}): Process<World> => {
  const serve = (world: World, own: Own, value: number): Next => {
    if (value < Number(own["floor"])) world.violated = true
    return { at: 99, own: {} }
  }
  const stamp = (records: TagRecords): TagStamp | undefined => {
    const stamp = stampOf(names, records)
    return stamp && { ...stamp, era: unless(flaws.noEra, stamp.era, "") }
  }
  const verdict = (entry: Entry, records: TagRecords) => {
    if (flaws.missingIsLive === true && !records.tokens.has("tag")) return "live"
    return judge(entry.stamp, stamp(records))
  }
  const flightOf = (records: TagRecords): string =>
    unless(
      flaws.joinsAnyFlight,
      JSON.stringify(tags === "given" ? stamp(records) : [records.ledger, unless(flaws.noEra, records.era, "")]),
      ""
    )
  const steps: ReadonlyArray<(world: World, own: Own) => Next | undefined> = [
    // The call begins, and reads its key.
    (world) => ({ at: 1, own: { floor: world.floor, seen: world.entry ?? null } }),
    (world, own) => {
      const seen = own["seen"] as Entry | null
      if (seen === null) return { at: 3, own }
      return { at: 2, own: { ...own, told: flaws.eraFirst === true ? eraOf(world) : mget(world) } }
    },
    (world, own) => {
      const seen = own["seen"] as Entry
      const [era, texts] = flaws.eraFirst === true ? [own["told"], mget(world)] : [eraOf(world), own["told"]]
      const records = recordsOf([String(era), ...(texts as ReadonlyArray<string | null>)])
      return verdict(seen, records) === "live" ? serve(world, own, seen.value) : { at: 3, own: { ...own, told: null } }
    },
    // Before the lookup, or instead of it.
    (world, own) => {
      const records = ensure(world)
      const by = flightOf(records)
      const joined = world.flights[inProcess]
      if (joined?.by === by) return { at: 7, own: { ...own, by } }
      if (joined === undefined) world.flights[inProcess] = { by }
      return { at: 4, own: { ...own, by, isFirst: joined === undefined, records: kept(records) } }
    },
    (world, own) => ({ at: 5, own: { ...own, value: world.source } }),
    (world, own) => {
      const before = keptIn(own)
      if (tags === "given") {
        return { at: 6, own: { ...own, stamp: stamp(unless(flaws.tokensAfterLookup, before, ensure(world))) ?? null } }
      }
      const after = ensure(world)
      const compared = unless(flaws.noEra, after, { ...after, era: before.era })
      const fit = unless(flaws.noLedger, isUntouched(names, before, compared), true)
      return { at: 6, own: { ...own, stamp: (fit ? stamp(after) : undefined) ?? null } }
    },
    (world, own) => {
      const { seen, stamp, value } = own as { seen: Entry | null; stamp: TagStamp | null; value: number }
      // By compare-and-set.
      if (stamp !== null && JSON.stringify(world.entry ?? null) === JSON.stringify(seen)) world.entry = { value, stamp }
      if (own["isFirst"] === true) world.flights[inProcess] = { by: String(own["by"]), value }
      return serve(world, own, value)
    },
    // Waits for the lookup of another.
    (world, own) => {
      const value = world.flights[inProcess]?.value
      return value === undefined ? undefined : serve(world, own, value)
    }
  ]
  return { step: (world, at, own) => steps[at]?.(world, own) }
}

/** A world in which somebody has looked the value up before. */
export const afterwards = (): World => {
  const world = beginning()
  const { step } = caller("somebody", "given")
  for (let next = step(world, 0, {}); next !== undefined; next = step(world, next.at, next.own));
  return { ...world, flights: {} }
}

/** A caller of get, in any process. */
export const reader = (flaws: Flaws = {}): Process<World> => {
  const { step } = caller("of its own", "given", flaws)
  return { step: (world, at, own) => (at > 2 ? undefined : step(world, at, own)) }
}

/**
 * A reader of batches with many tags, who asks three times. It remembers tokens, and asks for the ledger alone as long as that is
 * what it was.
 */
export const rememberingReader = (flaws: Flaws = {}): Process<World> => {
  interface Look {
    readonly era: string
    readonly texts: ReadonlyArray<string | null>
  }
  const named = ({ era, ...look }: Look): Look => ({ ...look, era: unless(flaws.anyLedger, era, "e") })
  const recordsAt = ({ era, texts }: Look) => recordsOf([era, ...texts])
  /** What it knows after these looks. */
  const memoryOf = (looks: ReadonlyArray<Look>): TagMemory => {
    const memory = new TagMemory()
    for (const look of looks) {
      const now = new Map([["tag", digestsOf(names, recordsAt(look))]])
      for (let i = 0; i < unless(flaws.learnsAtOnce, 1, 2); i++) memory.learn(memory.seen, named(look), now, 0)
    }
    return memory
  }
  return {
    step: (world, at, own) => {
      const looks = (own["looks"] ?? []) as ReadonlyArray<Look>
      const entry = own["seen"] as Entry | null
      const next = (looks: ReadonlyArray<Look>): Next => ({ at: at - (at % 4) + 4, own: { looks } })
      const serve = (looks: ReadonlyArray<Look>): Next => {
        if ((entry?.value ?? 0) < Number(own["floor"])) world.violated = true
        return next(looks)
      }
      if (at >= 12) return undefined
      switch (at % 4) {
        case 0:
          return { at: at + 1, own: { looks, floor: world.floor, seen: world.entry ?? null } }
        case 1: {
          if (entry === null) return next(looks)
          const known = memoryOf(looks).known(names, 0)?.digests.get("tag")
          const isLive = judge(entry.stamp, known) === "live"
          if (isLive && flaws.trustsMemory === true) return serve(looks)
          return { at: isLive ? at + 1 : at + 2, own: { ...own, told: isLive ? mget(world).slice(0, 1) : mget(world) } }
        }
        case 2: {
          const told = named({ era: eraOf(world), texts: own["told"] as Look["texts"] })
          const memory = memoryOf(looks)
          if (!memory.holds(memory.seen, told)) return { at: at + 1, own: { ...own, told: mget(world) } }
          world.remembered = true
          return serve(looks)
        }
        default: {
          const look: Look = { era: eraOf(world), texts: own["told"] as Look["texts"] }
          const isLive = entry !== null && judge(entry.stamp, digestsOf(names, recordsAt(look))) === "live"
          return isLive ? serve([...looks, look]) : next([...looks, look])
        }
      }
    }
  }
}

/** Stores what is read after a snapshot of the tags. */
export const storer: Process<World> = {
  step: (world, at, own) => {
    switch (at) {
      case 0:
        return { at: 1, own: { records: kept(ensure(world)) } }
      case 1:
        return { at: 2, own: { ...own, value: world.source } }
      case 2:
        world.entry = { value: Number(own["value"]), stamp: stampOf(names, keptIn(own))! }
        return { at: 3, own: {} }
      default:
        return undefined
    }
  }
}

/** Somebody else invalidates another tag. */
export const strangerWriter: Process<World> = {
  step: (world, at) => {
    if (at > 0) return undefined
    run(world, invalidateTagsScript, [ledgerKey, "other"], [`r${world.random++}`, "remove"])
    return { at: 1, own: {} }
  }
}

/** Runs these steps one after the other. */
const sequence = (...steps: ReadonlyArray<(world: World) => void>): Process<World> => ({
  step: (world, at) => {
    const step = steps[at]
    if (step === undefined) return undefined
    step(world)
    return { at: at + 1, own: {} }
  }
})

/** Changes the source, then forgets what was made from it. */
export const writer = (mode: "remove" | "stale" = "remove"): Process<World> => ({
  step: (world, at, own) => {
    switch (at) {
      case 0:
        return { at: 1, own: { source: ++world.source } }
      case 1:
        run(world, invalidateTagsScript, [ledgerKey, ...names], [`r${world.random++}`, mode])
        return { at: 2, own }
      case 2:
        world.floor = Math.max(world.floor, Number(own["source"]))
        return { at: 3, own: {} }
      default:
        return undefined
    }
  }
})

/** Evicts a record, at any moment. */
export const eviction = (key: "tag" | "ledger"): Process<World> =>
  sequence((world) => {
    delete world.records[key]
  })

/** A replica of the records, which becomes their primary later, and has not heard of anything since. */
export const failover: Process<World> = sequence(
  (world) => {
    world.replica = { ...world.records }
  },
  (world) => {
    for (const key of Object.keys(world.records)) delete world.records[key]
    Object.assign(world.records, world.replica)
    world.era++
  }
)

/** A flight ends for those who come later. */
export const landing = (inProcess: string): Process<World> => ({
  step: (world, at) => {
    if (at > 1 || world.flights[inProcess]?.value === undefined) return undefined
    world.flights[inProcess] = undefined
    return { at: at + 1, own: {} }
  }
})
