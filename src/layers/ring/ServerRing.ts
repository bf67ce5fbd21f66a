/**
 * Which of several servers a hash slot belongs to, and which ones take its place.
 *
 * Each server has a number for each slot, by its name and the slot alone: the greatest decides (weighted rendezvous
 * hashing). A server that is added therefore takes slots from all others and moves none between them, and one that is
 * gone leaves its slots to all others. These numbers must stay what they are: with others every key would move.
 * Effect's `HashRing` was measured first: with servers that are named `a:6379`, `b:6379` and `c:6379` one of them gets
 * 48 % of the keys. It does not say either which server comes next.
 */
import { sha1 } from "../../schema/digest.ts"
import { slotCount } from "../connection/cluster/slot.ts"

/** A server, as far as keys are assigned to it. */
export interface RingPlace {
  readonly name: string
  readonly weight: number
}

const unknown = 0xffff

export class ServerRing {
  readonly #seeds: ReadonlyArray<readonly [number, number]>
  readonly #weights: ReadonlyArray<number>
  /** By slot, once it has been asked for. */
  readonly #owners = new Uint16Array(slotCount).fill(unknown)

  constructor(places: ReadonlyArray<RingPlace>) {
    this.#seeds = places.map(({ name }) => {
      const hash = sha1(name)
      return [Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8, 16), 16)]
    })
    this.#weights = places.map(({ weight }) => weight)
  }

  /** The index of the server that the slot belongs to. */
  ownerOf(slot: number): number {
    const known = this.#owners[slot]!
    return known === unknown ? (this.#owners[slot] = this.#greatest(slot)) : known
  }

  /** All servers, by their indexes: the owner of the slot first, then who takes its place, then who takes that one's. */
  order(slot: number): ReadonlyArray<number> {
    return this.#seeds
      .map((_, server) => ({ server, score: this.#score(slot, server) }))
      .toSorted((a, b) => b.score - a.score)
      .map(({ server }) => server)
  }

  /** Who takes the server's place for the slot; undefined behind the last one. */
  after(slot: number, server: number): number | undefined {
    const order = this.order(slot)
    return order[order.indexOf(server) + 1]
  }

  #greatest(slot: number): number {
    let greatest = 0
    let score = -1
    for (let server = 0; server < this.#seeds.length; server++) {
      const other = this.#score(slot, server)
      if (other > score) [greatest, score] = [server, other]
    }
    return greatest
  }

  /** With a chance to be the greatest that is the weight's share of all weights. */
  #score(slot: number, server: number): number {
    const [first, second] = this.#seeds[server]!
    const hash = mixed(mixed(first ^ Math.imul(slot + 1, 0x9e37_79b1)) ^ second)
    return -this.#weights[server]! / Math.log((hash + 0.5) / 2 ** 32)
  }
}

/** The finalizer of MurmurHash3: each bit of the input changes each bit of the result with a chance of one half. */
const mixed = (input: number): number => {
  let hash = input
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
