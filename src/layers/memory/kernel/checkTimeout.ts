/** How long a blocking command waits. */
import type { WireArg } from "../../../schema/Command.ts"
import { ServerReply } from "../store/ServerReply.ts"

/** Seconds, with a fraction; 0 = for ever. */
export const checkTimeout = (value: WireArg | undefined): void => {
  const seconds = Number(value)
  if (!Number.isFinite(seconds)) throw new ServerReply("ERR timeout is not a float or out of range")
  if (seconds < 0) throw new ServerReply("ERR timeout is negative")
}
