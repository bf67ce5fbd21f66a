/** A process that reads through a near store, and whether each of its reads keeps the promises. */
import type { TrackedReply } from "../../../src/schema/Invalidation.ts"
import type { Fill } from "../../../src/services/cache/near/Fill.ts"
import { absent } from "../../../src/services/cache/near/NearValue.ts"
import { NearStore } from "../../../src/services/cache/near/NearStore.ts"
import { Dice } from "../Dice.ts"
import { SimulatedChannel } from "./SimulatedChannel.ts"

/** What is broken on purpose, to see that it shows. */
export type Broken =
  | "no mark on reads under way"
  | "the order of replies is not looked at"
  | "proof by the time of receiving"
  | "neither flush"
  | "no epoch"
  | "a bypass leaves the old entry"
  | "no proof"
  | "own writes wait for their announcement"
  | "no deadline of its own"
  | "what changes is not listed"
  | "all that was read before a loss counts"

export interface NearReport {
  readonly reads: number
  readonly near: number
  readonly violations: ReadonlyArray<string>
}

const maxStaleness = 400
const keys = ["a", "b", "c", "d", "e", "f"]

/** One history of so many steps. */
export const nearHistory = (
  seed: string,
  steps: number,
  broken?: Broken,
  hold: "read" | "all" = "read"
): NearReport => {
  const dice = new Dice(seed)
  const store = new NearStore<string | null>({
    maxEntries: hold === "read" ? 5 : keys.length,
    maxBytes: 1_000_000,
    timeToLive: Infinity,
    serveFor: 0,
    hold,
    maxStaleness: broken === "no proof" ? Infinity : maxStaleness,
    tracking: "broadcast"
  })
  let slow = { data: 4, channel: 2 }
  const channel = new SimulatedChannel(
    { data: () => dice.below(slow.data), channel: () => slow.channel * (0.8 + 0.2 * dice.next()) },
    (event) => {
      if (broken === "neither flush" && event._tag === "Down") return
      store.apply(event)
    }
  )
  breakStore(store, broken)
  channel.provesByReceiving = broken === "proof by the time of receiving"

  const violations: Array<string> = []
  /** Reads go another way while a slot moves. */
  const isOther = () => dice.chance(0.1)
  /** The earliest state of each key that a read may still give: writes of one's own, and what was read before. */
  const floors = new Map<string, number>()
  let reads = 0
  let near = 0
  let version = 0

  /** The read began at `began`, when the states before `floor` had been seen to be over. */
  const check = (key: string, value: number | undefined, began: number, floor: number, how: string) => {
    reads++
    const history = channel.history(key)
    const states = history.flatMap((state, i) => (state.value === value ? [Object.assign({ i }, state)] : []))
    const recent = states.filter(({ to }) => began <= to + maxStaleness)
    const pastLifetime = how === "near" && states.every(({ hasExpired, to }) => hasExpired && began >= to)
    if (recent.length === 0) {
      violations.push(`${channel.now}: ${how} ${key}=${value}: over since ${states.at(-1)?.to}`)
    }
    const possible = recent.filter(({ i }) => i >= floor)
    if (recent.length > 0 && possible.length === 0) {
      violations.push(`${channel.now}: ${how} ${key}=${value}: older than what was seen or written`)
    }
    if (pastLifetime && states.length > 0) {
      violations.push(`${channel.now}: ${how} ${key}=${value}: past its lifetime`)
    }
    const [earliest] = possible
    if (earliest !== undefined) floors.set(key, Math.max(floors.get(key) ?? 0, earliest.i))
  }
  const fromServer = (key: string, bypass: boolean) => {
    const began = channel.now
    const floor = floors.get(key) ?? 0
    const fill: Fill<string | null> = store.begin(key, began)
    channel.read(key, isOther(), (reply) => {
      const value = reply.value === null ? undefined : Number(reply.value)
      if (bypass && broken === "a bypass leaves the old entry") store.giveUp(fill)
      else {
        store.keep(fill, broken === "no deadline of its own" ? { ...reply, pttl: endless(reply) } : reply, {
          codec: undefined,
          value: value ?? absent,
          header: undefined,
          bytes: 1
        })
      }
      check(key, value, began, floor, "server")
      fill.tell(fill.isBehind(reply.place) ? undefined : typeof reply.value === "string" ? reply.value : null)
    })
  }

  const read = (key: string) => {
    const began = channel.now
    const entry = store.find(key, began)
    if (entry !== undefined) {
      near++
      return check(key, typeof entry.value === "number" ? entry.value : undefined, began, floors.get(key) ?? 0, "near")
    }
    if (store.lacks(key, began)) {
      near++
      return check(key, undefined, began, floors.get(key) ?? 0, "near")
    }
    const joined = store.joinable(key, began)
    if (joined === undefined) return fromServer(key, false)
    const floor = floors.get(key) ?? 0
    joined.join((outcome) => {
      if (outcome !== undefined) check(key, outcome === null ? undefined : Number(outcome), began, floor, "joined")
    })
  }

  const write = (key: string) => {
    const value = dice.chance(0.8) ? ++version : undefined
    const lifetime = value !== undefined && dice.chance(0.3) ? 20 + dice.below(400) : undefined
    const told = () => {
      if (broken !== "own writes wait for their announcement") store.drop(key)
    }
    told()
    const before = channel.history(key).length
    channel.write(key, value, lifetime, () => {
      told()
      const at = channel.history(key).findIndex((state, i) => i >= before && state.value === value)
      floors.set(key, Math.max(floors.get(key) ?? 0, at))
    })
  }

  /** Reads for nobody in particular. */
  const fetch = (key: string, then: () => void) => {
    const fill = store.begin(key, channel.now)
    channel.read(key, isOther(), (reply) => {
      const value = reply.value === null ? absent : Number(reply.value)
      store.keep(fill, reply, { codec: undefined, value, header: undefined, bytes: 1 })
      then()
    })
  }
  let isReadingAll = false
  const holdAll = () => {
    const { holding } = store
    if (holding === undefined || !store.proofs.isLive || isReadingAll) return
    if (holding.isWhole) return holding.take(3).forEach((key) => fetch(key, () => {}))
    if (holding.isTooMuch) return
    const { generation } = holding
    const existing = keys.filter((key) => channel.history(key).at(-1)?.value !== undefined)
    let open = existing.length + 1
    const read = () => {
      if (--open > 0) return
      isReadingAll = false
      holding.completed(generation)
    }
    isReadingAll = true
    // Between the pages of a scan and the reads of their keys.
    channel.pass(dice.below(20))
    for (const key of existing) fetch(key, read)
    read()
  }

  let pingDue = 0
  const ping = () => {
    if (!channel.isOpen || channel.now < pingDue) return
    pingDue = Infinity
    channel.ping(() => void (pingDue = channel.now + 50))
  }

  let reopensAt = 0
  const weather = () => {
    const roll = dice.next()
    if (roll < 0.02) {
      slow = dice.pick([
        { data: 4, channel: 2 },
        { data: 250, channel: 2 },
        { data: 4, channel: 0.4 * maxStaleness },
        { data: 4, channel: 1.7 * maxStaleness },
        { data: 250, channel: 1.7 * maxStaleness }
      ])
    } else if (roll < 0.022) channel.freeze(dice.below(2 * maxStaleness))
    else if (roll < 0.03 && channel.isOpen && channel.now > reopensAt) {
      // A half-open connection looks like one on which nothing happens.
      const noticed = dice.chance(0.3) ? 3 * maxStaleness : dice.below(2)
      const gap = 30 + dice.below(100)
      reopensAt = channel.now + noticed + gap + 1
      channel.lose(noticed)
      pingDue = reopensAt
      channel.open(noticed + gap)
    } else if (roll < 0.033) {
      for (const key of keys) read(key)
      channel.flush()
    }
  }

  /** The next write to a key would hide that one was missed. */
  const restsUntil = new Map<string, number>()
  const change = (key: string) => {
    if ((restsUntil.get(key) ?? 0) > channel.now) return
    restsUntil.set(key, channel.now + 3 * maxStaleness)
    if (dice.chance(0.4)) return write(key)
    channel.change(key, ++version)
    // The announcement of the first may come before the reply that has it.
    channel.pass(dice.below(3))
    channel.change(key, dice.chance(0.8) ? ++version : undefined)
  }

  channel.open(0)
  for (let step = 0; step < steps; step++) {
    channel.pass(dice.chance(0.01) ? 3 * maxStaleness : dice.below(12))
    ping()
    weather()
    holdAll()
    const key = dice.pick(keys)
    const roll = dice.next()
    if (roll < 0.8) read(key)
    else if (roll < 0.85) fromServer(key, true)
    else change(key)
  }
  return { reads, near, violations }
}

const endless = ({ pttl }: TrackedReply): number => (pttl >= 0 ? -1 : pttl)

const breakStore = (store: NearStore<string | null>, broken: Broken | undefined): void => {
  if (broken === "no mark on reads under way") store.marks.mark = () => {}
  if (store.holding !== undefined && broken === "what changes is not listed") store.holding.changed = () => {}
  if (store.holding !== undefined && broken === "all that was read before a loss counts") {
    const { holding } = store
    const completed = holding.completed.bind(holding)
    holding.completed = () => completed(holding.generation)
    holding.restart = () => {}
  }
  if (broken === "the order of replies is not looked at") store.marks.end = (fill) => store.marks.forget(fill)
  if (broken === "no epoch") store.marks.markAll = () => {}
  if (broken !== "neither flush") return
  const begin = store.proofs.begin.bind(store.proofs)
  store.proofs.begin = (server) => {
    if (store.proofs.of(server) === undefined) begin(server)
    return undefined
  }
}
