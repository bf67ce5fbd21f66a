/** Replies as they come: with errors in lists, and with integers that JavaScript cannot hold as numbers. */
import type { Reply } from "../../schema/Command.ts"

export type RawReply = null | number | bigint | string | Buffer | ReplyError | ReadonlyArray<RawReply>

/** The server answered with an error. */
export class ReplyError extends Error {
  override readonly name = "ReplyError"
}

// Lists may be as deep as the limits allow, which a program sets: nothing here calls itself.

/** Whether a program can be given the reply as it is. */
export const isReply = (raw: RawReply): raw is Reply => {
  if (!Array.isArray(raw)) return isPlain(raw)
  const open: Array<ReadonlyArray<RawReply>> = [raw]
  for (let list = open.pop(); list !== undefined; list = open.pop()) {
    for (let i = 0; i < list.length; i++) {
      const item = list[i]!
      if (Array.isArray(item)) open.push(item)
      else if (!isPlain(item)) return false
    }
  }
  return true
}

const isPlain = (item: RawReply): boolean => typeof item !== "bigint" && !(item instanceof ReplyError)

/** Whether it holds an integer beyond 2^53. */
export const hasInexact = (raw: RawReply): boolean => {
  const open: Array<RawReply> = [raw]
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (typeof item === "bigint") return true
    if (Array.isArray(item)) for (const inner of item) open.push(inner)
  }
  return false
}

/** The same reply with its bytes as text. */
export const withText = (raw: RawReply): RawReply => {
  const root: Array<RawReply> = []
  const open: Array<readonly [from: ReadonlyArray<RawReply>, to: Array<RawReply>]> = [[[raw], root]]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [from, to] = pair
    for (const item of from) {
      if (Buffer.isBuffer(item)) to.push(item.toString())
      else if (Array.isArray(item)) {
        const inner: Array<RawReply> = []
        to.push(inner)
        open.push([item, inner])
      } else to.push(item)
    }
  }
  return root[0]!
}

/** The reply as the protocol writes it; text and bytes alike as bulk strings. */
export const encodeReply = (raw: RawReply): Buffer => {
  const parts: Array<Buffer> = []
  const open: Array<{ readonly list: ReadonlyArray<RawReply>; at: number }> = [{ list: [raw], at: 0 }]
  for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
    const item = frame.list[frame.at++]
    if (item === undefined) open.pop()
    else if (Array.isArray(item)) {
      parts.push(Buffer.from(`*${item.length}\r\n`))
      open.push({ list: item, at: 0 })
    } else if (item === null) parts.push(Buffer.from("$-1\r\n"))
    else if (item instanceof ReplyError) parts.push(Buffer.from(`-${item.message}\r\n`))
    else if (typeof item === "string" || Buffer.isBuffer(item)) {
      const bytes = Buffer.from(item)
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd)
    } else parts.push(Buffer.from(`:${item}\r\n`))
  }
  return Buffer.concat(parts)
}

const lineEnd = Buffer.from("\r\n")
