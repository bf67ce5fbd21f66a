/** Checks that a form comes from these pages, and from the visitor for whom it was made. */
import { createHmac, randomBytes } from "node:crypto"
import { Exit, type Redacted } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { CacheInputError } from "../../../schema/CacheError.ts"
import { refused } from "../../../schema/failures.ts"
import { isSameSecret } from "../../../schema/isSameSecret.ts"
import { reveal } from "../../../schema/reveal.ts"

/** The tokens of forms: each for one visitor and one place where the pages are mounted. */
export interface FormTokens {
  readonly of: (visitor: string) => string
  /** Returns a keyed digest. Nobody can use it to guess a value that is hidden. */
  readonly seal: (mark: string) => string
  readonly isOf: (visitor: string, token: string) => boolean
}

const minSecretBytes = 32

export const formTokens = (
  secret: Redacted.Redacted | undefined,
  path: string
): Exit.Exit<FormTokens, CacheInputError> => {
  // A secret that was wiped has no bytes.
  const key = secret === undefined ? randomBytes(minSecretBytes) : Buffer.from(reveal(secret) ?? "")
  if (key.length < minSecretBytes) return refused("Admin", `secret must have ${minSecretBytes} bytes or more`)
  const mac = (kind: string, text: string) =>
    createHmac("sha256", key)
      .update(JSON.stringify([kind, path, text]))
      .digest("base64url")
  const tokenOf = (visitor: string) => mac("admin form", visitor)
  return Exit.succeed({
    of: tokenOf,
    seal: (mark) => mac("admin mark", mark),
    isOf: (visitor, token) => isSameSecret(token, tokenOf(visitor))
  })
}

/**
 * Whether the headers of the browser name these pages as the sender of the form. Old browsers and other programs send no such
 * header; then the token alone decides. Browsers send `Sec-Fetch-Site` only over TLS and to this machine. Without it, `Origin` is
 * compared with the host.
 */
export const isSentFromHere = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const origin = headers["origin"]
  if (origin === undefined) return true
  // A web request may have no Host header, but its URL names the host.
  const host = headers["host"] ?? (URL.canParse(originalUrl) ? new URL(originalUrl).host : undefined)
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
