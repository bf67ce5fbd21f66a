/** Whether a reply is of a kind that its command can have, by the table of commands. */
import { commandTable } from "../commands/commandTable.ts"
import { anyShape, integer, list, nothing, type ReplyShape, text } from "../commands/replyShape.ts"
import { type RawReply, ReplyError } from "./RawReply.ts"

export const shapeOf = (name: string): ReplyShape => commandTable.get(name.toUpperCase())?.reply ?? anyShape

/** Errors fit everything. So does QUEUED, which any command is answered with between MULTI and EXEC. */
export const fits = (shape: ReplyShape, reply: RawReply): boolean =>
  (shape & kindOf(reply)) !== 0 || reply instanceof ReplyError || isQueued(reply)

const kindOf = (reply: RawReply): ReplyShape => {
  if (typeof reply === "string") return text
  if (reply === null) return nothing
  if (typeof reply === "number" || typeof reply === "bigint") return integer
  return Buffer.isBuffer(reply) ? text : Array.isArray(reply) ? list : 0
}

const isQueued = (reply: RawReply): boolean =>
  (typeof reply === "string" || Buffer.isBuffer(reply)) && reply.toString() === "QUEUED"
