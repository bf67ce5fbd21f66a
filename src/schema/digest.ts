/** Names for what is too long, or not to be read, where it stands. */

let crypto: typeof import("node:crypto") | undefined

/** Loaded by the first digest: it takes some milliseconds, and a cache in memory may never need one. */
const load = () => (crypto ??= process.getBuiltinModule("node:crypto"))

/** SHA-256, as text that fits in keys, headers and URLs. */
export const digest = (content: string | Uint8Array): string => load().hash("sha256", content, "base64url")

/** SHA-1, as scripts compute it: what a server calls a script by, and what tells texts apart where nobody attacks. */
export const sha1 = (content: string | Uint8Array): string => load().hash("sha1", content, "hex")
