/** What a stream holds: entries in the order of their ids, and groups of consumers that read them. */
import type { Reply } from "../../../schema/Command.ts"
import { firstId, formatId, type StreamId } from "./StreamId.ts"
import type { StringValue } from "./StringValue.ts"

export interface StreamItem {
  readonly id: StreamId
  /** Names and values in turn. */
  readonly fields: ReadonlyArray<StringValue>
}

/** An entry that a consumer was given and has not acknowledged. */
export interface PendingItem {
  readonly id: StreamId
  consumer: Consumer | undefined
  /** Milliseconds since 1970. */
  deliveredAt: number
  deliveries: number
}

export interface Consumer {
  readonly name: string
  seenAt: number
  /** When it was last given something; undefined = never. */
  activeAt: number | undefined
}

/** How many entries were before; undefined = nobody can tell any more. */
type Position = number | undefined

export class StreamGroup {
  readonly consumers = new Map<string, Consumer>()
  readonly #pending = new Map<StreamId, PendingItem>()
  lastId: StreamId
  entriesRead: Position

  constructor(lastId: StreamId, entriesRead: Position) {
    this.lastId = lastId
    this.entriesRead = entriesRead
  }

  /** Present from now on; seen now. */
  consumer(name: string, now: number): Consumer {
    const known = this.consumers.get(name)
    const consumer = known ?? { name, seenAt: now, activeAt: undefined }
    if (known === undefined) this.consumers.set(name, consumer)
    consumer.seenAt = now
    return consumer
  }

  /** In the order of the ids; of one consumer, or of all. */
  pending(consumer?: Consumer): ReadonlyArray<PendingItem> {
    const items = [...this.#pending.values()]
    const chosen = consumer === undefined ? items : items.filter((item) => item.consumer === consumer)
    return chosen.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  get pendingSize(): number {
    return this.#pending.size
  }

  find(id: StreamId): PendingItem | undefined {
    return this.#pending.get(id)
  }

  /** Given to a consumer for the first time, as far as the group knows. */
  deliver(id: StreamId, consumer: Consumer, now: number): void {
    this.#pending.set(id, { id, consumer, deliveredAt: now, deliveries: 1 })
  }

  /** Pending, but nobody's yet. */
  adopt(id: StreamId, now: number): PendingItem {
    const item: PendingItem = { id, consumer: undefined, deliveredAt: now, deliveries: 1 }
    this.#pending.set(id, item)
    return item
  }

  settle(id: StreamId): boolean {
    return this.#pending.delete(id)
  }

  /** How many entries it had not acknowledged. */
  removeConsumer(name: string): number {
    const consumer = this.consumers.get(name)
    if (consumer === undefined) return 0
    const items = this.pending(consumer)
    for (const { id } of items) this.#pending.delete(id)
    this.consumers.delete(name)
    return items.length
  }

  copy(): StreamGroup {
    const copy = new StreamGroup(this.lastId, this.entriesRead)
    for (const consumer of this.consumers.values()) copy.consumers.set(consumer.name, { ...consumer })
    for (const item of this.#pending.values()) {
      const consumer = item.consumer && copy.consumers.get(item.consumer.name)
      copy.#pending.set(item.id, { ...item, consumer })
    }
    return copy
  }
}

/** Approximate trimming drops so many entries at once, or none. */
const entriesPerNode = 100

export class StreamValue {
  readonly items: Array<StreamItem> = []
  readonly groups = new Map<string, StreamGroup>()
  lastId: StreamId = firstId
  maxDeletedId: StreamId = firstId
  entriesAdded = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** It stays without entries: its last id and its groups are still wanted. */
  get empty(): boolean {
    return false
  }

  append(id: StreamId, fields: ReadonlyArray<StringValue>): void {
    this.items.push({ id, fields })
    this.lastId = id
    this.entriesAdded++
    this.#bytes += sizeOf(fields)
  }

  /** The index of the first entry that is not before the id. */
  indexOf(id: StreamId): number {
    let low = 0
    let high = this.items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.items[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low
  }

  find(id: StreamId): StreamItem | undefined {
    const item = this.items[this.indexOf(id)]
    return item?.id === id ? item : undefined
  }

  /** Both ends included. */
  range(start: StreamId, end: StreamId, count = Infinity): ReadonlyArray<StreamItem> {
    const from = this.indexOf(start)
    const found: Array<StreamItem> = []
    for (let i = from; i < this.items.length && found.length < count; i++) {
      if (this.items[i]!.id > end) break
      found.push(this.items[i]!)
    }
    return found
  }

  delete(id: StreamId): boolean {
    if (this.find(id) === undefined) return false
    this.#drop(this.indexOf(id), 1)
    if (id > this.maxDeletedId) this.maxDeletedId = id
    return true
  }

  /** Drops the first `excess` entries, or what whole nodes hold of them, `limit` at most, 0 = all; how many went. */
  trim(excess: number, { approximate, limit }: { readonly approximate: boolean; readonly limit: number }): number {
    let gone = approximate ? 0 : Math.max(0, excess)
    while (approximate && gone < this.items.length) {
      const node = Math.min(entriesPerNode, this.items.length - gone)
      if (gone + node > excess || (limit > 0 && gone + node > limit)) break
      gone += node
    }
    this.#drop(0, gone)
    return gone
  }

  /** How many entries had been added up to that one; undefined = deletions make it impossible to tell. */
  position(id: StreamId): Position {
    if (this.entriesAdded === 0) return 0
    if (this.items.length === 0 && id <= this.lastId) return this.entriesAdded
    if (id !== firstId && id < this.maxDeletedId) return undefined
    if (id === this.lastId) return this.entriesAdded
    if (id > this.lastId) return undefined
    const first = this.items[0]?.id ?? firstId
    if (this.maxDeletedId !== firstId && this.maxDeletedId >= first) return undefined
    if (id < first) return this.entriesAdded - this.items.length
    return id === first ? this.entriesAdded - this.items.length + 1 : undefined
  }

  /** Whether entries after that id may have been deleted. */
  hasHoles(after: StreamId): boolean {
    if (this.items.length === 0 || this.maxDeletedId === firstId) return false
    return after <= this.maxDeletedId
  }

  copy(): StreamValue {
    const copy = new StreamValue()
    for (const { fields, id } of this.items) copy.append(id, fields)
    copy.lastId = this.lastId
    copy.maxDeletedId = this.maxDeletedId
    copy.entriesAdded = this.entriesAdded
    for (const [name, group] of this.groups) copy.groups.set(name, group.copy())
    return copy
  }

  #drop(index: number, count: number): void {
    for (const { fields } of this.items.splice(index, count)) this.#bytes -= sizeOf(fields)
  }
}

/** Names, values, and the id. */
export const sizeOf = (fields: ReadonlyArray<StringValue>): number =>
  fields.reduce((sum, field) => sum + Buffer.byteLength(field), 16)

export const itemReply = ({ fields, id }: StreamItem): Reply => [formatId(id), fields]
