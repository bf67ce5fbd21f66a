/** Stores over what was seen under a key, and over nothing else. */
import { Effect } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Command, Reply } from "../../../schema/Command.ts"
import { sha1 } from "../../../schema/digest.ts"
import type { Header, Stored } from "../../../schema/frame.ts"
import { scriptCall } from "../../../schema/Script.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { sendOne } from "./batches.ts"
import { replaceSeenScript } from "./compareScripts.ts"
import type { End } from "./End.ts"
import { setArguments } from "./setCommand.ts"

/** What a key held, as far as is needed to tell that it still does. */
export interface Seen {
  readonly stored: Stored
  readonly header: Header | undefined
}

/** 0 = the key is to be absent, "keep" = the lifetime that it has. */
export type Lifetime = End | "keep"

/** Its header and its length, or a digest of what has no header. The value is not sent back. */
const fingerprint = ({ header, stored }: Seen): ReadonlyArray<string | Buffer> => {
  const length = String(Buffer.byteLength(stored))
  if (header === undefined) return ["", length, sha1(stored)]
  const start = typeof stored === "string" ? stored.slice(0, header.length) : stored.subarray(0, header.length)
  return [start, length, ""]
}

/** Bytes that are no text were read as one: what the server holds is not known. */
export const isUnreadable = ({ stored }: Seen): boolean => typeof stored === "string" && stored.includes("\ufffd")

/** Whatever the key holds. */
export const overwrite = (final: string, encoded: Stored, lifetime: Lifetime): Command =>
  lifetime === 0
    ? { name: "UNLINK", args: [final] }
    : { name: "SET", args: setArguments(final, encoded, lifetime === "keep" ? undefined : lifetime) }

/** As scripts take it. */
export const lifetimeText = (lifetime: Lifetime): string => {
  if (lifetime === "keep") return ""
  if (typeof lifetime === "object") return `@${lifetime.until}`
  return lifetime === Infinity ? "inf" : String(lifetime)
}

/** Of `replaceSeenScript`. */
export const replacing = (seen: Seen, encoded: Stored, lifetime: Lifetime): ReadonlyArray<string | Buffer> => [
  ...fingerprint(seen),
  encoded,
  lifetimeText(lifetime)
]

/** Stores over what was read, and over nothing else. */
export const overSeen = (final: string, seen: Seen, encoded: Stored, lifetime: Lifetime): Command =>
  isUnreadable(seen)
    ? overwrite(final, encoded, lifetime)
    : scriptCall(replaceSeenScript, [final], replacing(seen, encoded, lifetime))

/** Whether the reply says that the command has stored, or removed. */
export const isKept = (reply: Reply): boolean => reply === "OK" || (typeof reply === "number" && reply > 0)

/** Whether it was done. */
export const perform = (client: ValkeyClientShape, command: Command): Effect.Effect<boolean, CommandError> =>
  Effect.map(sendOne(client, command.name, command), isKept)
