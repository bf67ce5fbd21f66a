/** What a hash holds. */
import { stringBytes, type StringValue } from "./StringValue.ts"

export class HashValue {
  readonly fields = new Map<string, StringValue>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.fields.size === 0
  }

  /** By how much it grows. */
  growth(field: string, value: StringValue): number {
    const old = this.fields.get(field)
    return stringBytes(value) - (old === undefined ? -stringBytes(field) : stringBytes(old))
  }

  set(field: string, value: StringValue): void {
    this.#bytes += this.growth(field, value)
    this.fields.set(field, value)
  }

  delete(field: string): boolean {
    const old = this.fields.get(field)
    if (old === undefined) return false
    this.#bytes -= stringBytes(field) + stringBytes(old)
    return this.fields.delete(field)
  }

  copy(): HashValue {
    const copy = new HashValue()
    for (const [field, value] of this.fields) copy.set(field, value)
    return copy
  }
}
