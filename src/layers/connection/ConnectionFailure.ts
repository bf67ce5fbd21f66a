/** Why a command ended without a reply, where it is we who say so. What callers are told is in `errors.ts`. */

/** A connection was not made. */
export class NoConnection extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The command was not written: its connection is being closed. */
export class NotWritten extends Error {
  override readonly name = "NotWritten"
}

/** The connection was lost while the command was under way. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost"
}

/** We have ended the connection while the command was under way. */
export class ConnectionBroken extends Error {
  override readonly name = "ConnectionBroken"
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The reply is beyond a limit, and was not kept. */
export class ReplyTooLarge extends Error {
  override readonly name = "ReplyTooLarge"
  readonly code = "REPLY_TOO_LARGE"
}

export type ConnectionFailure = NoConnection | NotWritten | ConnectionLost | ConnectionBroken | ReplyTooLarge
