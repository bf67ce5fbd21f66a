/** What a set holds. */
import { stringBytes, memberId, type StringValue } from "./StringValue.ts"

export class SetValue {
  readonly members = new Map<string, StringValue>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.members.size === 0
  }

  has(member: StringValue): boolean {
    return this.members.has(memberId(member))
  }

  add(member: StringValue): boolean {
    if (this.has(member)) return false
    this.members.set(memberId(member), member)
    this.#bytes += stringBytes(member)
    return true
  }

  delete(member: StringValue): boolean {
    if (!this.members.delete(memberId(member))) return false
    this.#bytes -= stringBytes(member)
    return true
  }

  copy(): SetValue {
    const copy = new SetValue()
    for (const member of this.members.values()) copy.add(member)
    return copy
  }
}
