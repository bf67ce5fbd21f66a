/**
 * The socket of an iovalkey client that a program has made of ours. It is the program's alone, but what comes over it is
 * read by us first: iovalkey's parser would end the process on replies that no server should send.
 */
import type { Socket } from "node:net"
import type { ReplyLimits } from "../../schema/ReplyLimits.ts"
import { ReplyTooLarge } from "./ConnectionFailure.ts"
import { encodeReply, ReplyError } from "./RawReply.ts"
import { ReplyParser } from "./ReplyParser.ts"
import type { OnBytes } from "./Wire.ts"

export const guardedSocket = (open: (onBytes: OnBytes) => Socket, limits: ReplyLimits): Socket => {
  let tooLarge = ""
  const parser = new ReplyParser(
    {
      begin: () => false,
      reply: (reply) => void socket.emit("data", encodeReply(reply)),
      tooLarge: (what) => (tooLarge = what),
      skipped: () => {
        const { code, message } = new ReplyTooLarge(tooLarge)
        socket.emit("data", encodeReply(new ReplyError(`${code} ${message}`)))
      }
    },
    limits
  )
  const socket = open((buffer, length) => {
    const fault = parser.read(buffer, length)
    if (fault !== undefined) socket.destroy(new Error(fault))
  })
  return socket
}
