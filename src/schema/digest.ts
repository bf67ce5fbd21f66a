/** Names for what is too long, or not to be read, where it stands. */
import { createHash } from "node:crypto"

/** SHA-256, as text that fits in keys, headers and URLs. */
export const digest = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("base64url")

/** SHA-1, as scripts compute it: what a server calls a script by, and what tells texts apart where nobody attacks. */
export const sha1 = (content: string | Uint8Array): string => createHash("sha1").update(content).digest("hex")
