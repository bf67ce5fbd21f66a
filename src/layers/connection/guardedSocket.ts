/**
 * The socket of a client that iovalkey runs by itself: a duplicate that a program has made of ours, or a server's in
 * iovalkey's cluster client. What comes over it is read by us first: iovalkey's parser would end the process on replies
 * that no server should send.
 */
import type { Socket } from "node:net"
import type { ReplyLimits } from "../../schema/ReplyLimits.ts"
import { authArguments, type Identity } from "./credentials.ts"
import { ReplyTooLarge } from "./ConnectionFailure.ts"
import { wantsNoPassword } from "./handshake.ts"
import { encodeReply, type RawReply, ReplyError } from "./RawReply.ts"
import { ReplyParser } from "./ReplyParser.ts"
import type { OnBytes } from "./Wire.ts"

export interface Guard {
  /** Who we are on this connection. Default: nobody. */
  readonly identity?: Identity | undefined
  /** What is wrong with a reply that the protocol allows. */
  readonly refusal?: ((reply: RawReply) => string | undefined) | undefined
}

export const guardedSocket = (
  open: (onBytes: OnBytes) => Socket,
  limits: ReplyLimits,
  { identity, refusal = () => undefined }: Guard = {}
): Socket => {
  const login = identity && authArguments(identity)
  let isAccepted = login === undefined
  let tooLarge = ""
  const give = (reply: RawReply): void => {
    if (!isAccepted) {
      isAccepted = true
      if (reply instanceof ReplyError && !wantsNoPassword(reply.message)) socket.destroy(reply)
      return
    }
    const reason = refusal(reply)
    if (reason !== undefined) return end(reason)
    try {
      socket.emit("data", encodeReply(reply))
    } catch {
      // iovalkey relies on what no server has to keep to, such as the words of an error.
      end("a reply that iovalkey cannot read")
    }
  }
  const end = (fault: string): void => {
    parser.stop()
    socket.destroy(new Error(fault))
  }
  const parser = new ReplyParser(
    {
      begin: () => false,
      reply: give,
      tooLarge: (what) => (tooLarge = what),
      skipped: () => {
        const { code, message } = new ReplyTooLarge(tooLarge)
        give(new ReplyError(`${code} ${message}`))
      }
    },
    limits
  )
  const socket = open((buffer, length) => {
    const fault = parser.read(buffer, length)
    if (fault !== undefined) end(fault)
  })
  // Before iovalkey, which never knows who we are, writes anything.
  if (login !== undefined) socket.write(encodeReply(["AUTH", ...login]))
  return socket
}
