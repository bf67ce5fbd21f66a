/** Text or bytes, as they were stored. */

/** Text stays text until somebody asks for its bytes. */
export type StringValue = string | Buffer

export const stringBytes = (value: StringValue): number =>
  typeof value === "string" ? Buffer.byteLength(value) : value.length

/** Members are bytes: text and bytes of the same content are the same member. */
export const memberId = (member: StringValue): string =>
  (typeof member === "string" ? Buffer.from(member) : member).toString("latin1")
