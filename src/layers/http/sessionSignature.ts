/** Signed ids: what a visitor's cookie must be to be one of ours. */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import { Exit, Option, Redacted } from "effect"
import type { CacheInputError } from "../../schema/CacheError.ts"
import { refused } from "../../schema/failures.ts"
import { isSameSecret } from "../../schema/isSameSecret.ts"
import { reveal } from "../../schema/reveal.ts"

export interface SignedId {
  readonly id: Redacted.Redacted
  /** Whether the first secret signed it, with which cookies are signed now. */
  readonly isCurrent: boolean
}

export interface SessionSignature {
  readonly sign: (id: Redacted.Redacted) => string
  /** None where it was not signed by any of the secrets. */
  readonly read: (cookie: string) => Option.Option<SignedId>
}

const minSecretBytes = 32

/** Of a cookie `id.mac`, where `mac` is the HMAC-SHA256 in base64url. An id has one text for each secret, and no other. */
export const signatureBy = (
  secrets: ReadonlyArray<Redacted.Redacted>
): Exit.Exit<SessionSignature, CacheInputError> => {
  // A secret that was wiped has none.
  const texts = secrets.map((secret) => Buffer.from(reveal(secret) ?? ""))
  if (texts.some(({ length }) => length < minSecretBytes)) {
    return refused("HttpSessions", `a secret must have ${minSecretBytes} bytes or more`)
  }
  const keys = texts.map((text) => createSecretKey(text))
  const [current] = keys
  if (current === undefined) return refused("HttpSessions", "give at least one secret")
  const mac = (key: KeyObject, id: string) => createHmac("sha256", key).update(`session ${id}`).digest("base64url")

  return Exit.succeed({
    sign: (id) => `${Redacted.value(id)}.${mac(current, Redacted.value(id))}`,
    read: (cookie) => {
      const dot = cookie.indexOf(".")
      if (dot < 0) return Option.none()
      const id = cookie.slice(0, dot)
      const given = cookie.slice(dot + 1)
      const signer = keys.find((key) => isSameSecret(given, mac(key, id)))
      return signer === undefined
        ? Option.none()
        : Option.some({ id: Redacted.make(id, { label: "session id" }), isCurrent: signer === current })
    }
  })
}
