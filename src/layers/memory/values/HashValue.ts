/** What a hash holds: fields, of which some may end before the others. */
import { stringBytes, type StringValue } from "./StringValue.ts"

export class HashValue {
  readonly fields = new Map<string, StringValue>()
  /** Milliseconds since 1970, of the fields that end; a map only where there have been any, because few hashes have them. */
  #ends: Map<string, number> | undefined
  /** No field ends before this. */
  #nextEnd = Infinity
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.fields.size === 0
  }

  /** When it is worth asking for fields that have ended; `Infinity` = never. */
  get nextEnd(): number {
    return this.#nextEnd
  }

  /** By how much it grows. */
  growth(field: string, value: StringValue): number {
    const old = this.fields.get(field)
    return stringBytes(value) - (old === undefined ? -stringBytes(field) : stringBytes(old))
  }

  /** The field ends when it did before. */
  change(field: string, value: StringValue): void {
    this.#bytes += this.growth(field, value)
    this.fields.set(field, value)
  }

  /** The field lives for ever then. */
  set(field: string, value: StringValue): void {
    this.change(field, value)
    this.endAt(field, Infinity)
  }

  delete(field: string): boolean {
    const old = this.fields.get(field)
    if (old === undefined) return false
    this.#bytes -= stringBytes(field) + stringBytes(old)
    this.endAt(field, Infinity)
    return this.fields.delete(field)
  }

  /** When the field ends; `Infinity` = never. */
  endOf(field: string): number {
    return this.#ends?.get(field) ?? Infinity
  }

  endAt(field: string, end: number): void {
    if (end === Infinity) this.#ends?.delete(field)
    else {
      this.#ends ??= new Map()
      this.#ends.set(field, end)
      this.#nextEnd = Math.min(this.#nextEnd, end)
    }
    if (this.#ends?.size === 0) this.#nextEnd = Infinity
  }

  /** Removes the fields that have ended; whether there were any. */
  removeEnded(now: number): boolean {
    if (now < this.#nextEnd) return false
    const before = this.fields.size
    let next = Infinity
    for (const [field, end] of this.#ends ?? []) {
      if (end <= now) this.delete(field)
      else next = Math.min(next, end)
    }
    this.#nextEnd = next
    return this.fields.size < before
  }

  /** Whether a field has not ended. */
  hasLive(now: number): boolean {
    for (const field of this.fields.keys()) if (this.endOf(field) > now) return true
    return false
  }

  copy(): HashValue {
    const copy = new HashValue()
    for (const [field, value] of this.fields) copy.set(field, value)
    for (const [field, end] of this.#ends ?? []) copy.endAt(field, end)
    return copy
  }
}
