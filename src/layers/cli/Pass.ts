/** The secret that opens the pages of `effect-vcache admin`. */
import { randomBytes } from "node:crypto"
import type { HttpServerRequest } from "effect/http"
import { isSameSecret } from "../../schema/isSameSecret.ts"

/** The printed address contains the token. Other users of the machine can reach the port, but do not have the token. */
export class Pass {
  readonly token: string
  /** Browsers send the cookies of a host to all of its ports, so each command has a cookie name of its own. */
  readonly cookie: string

  constructor() {
    this.token = randomBytes(24).toString("base64url")
    this.cookie = `effect-vcache-admin-${randomBytes(6).toString("base64url")}`
  }

  is(given: string): boolean {
    return isSameSecret(given, this.token)
  }

  isIn({ headers }: HttpServerRequest.HttpServerRequest): boolean {
    const start = `${this.cookie}=`
    const found = (headers["cookie"] ?? "").split("; ").find((cookie) => cookie.startsWith(start))
    return found !== undefined && this.is(found.slice(start.length))
  }
}
