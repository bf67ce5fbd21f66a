/** Whether a form was sent from one of our pages, by whom it was made for. */
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
  /** A digest of what was seen, by which nobody can guess at a value that is not shown. */
  readonly seal: (mark: string) => string
  readonly isOf: (visitor: string, token: string) => boolean
}

const minSecretBytes = 32

export const formTokens = (
  secret: Redacted.Redacted | undefined,
  path: string
): Exit.Exit<FormTokens, CacheInputError> => {
  // A secret that was wiped has none.
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
 * What the browser says of the page that sent the form. It says nothing where it is old, or no browser, and the token has to
 * do; `Sec-Fetch-Site` only comes over TLS and to this machine, and so `Origin` is looked at without it.
 */
export const isSentFromHere = ({ headers, originalUrl }: HttpServerRequest.HttpServerRequest): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const origin = headers["origin"]
  if (origin === undefined) return true
  // A web request may have it in its address alone.
  const host = headers["host"] ?? (URL.canParse(originalUrl) ? new URL(originalUrl).host : undefined)
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
