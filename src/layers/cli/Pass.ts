/** What opens the pages of `effect-vcache admin`. */
import { randomBytes } from "node:crypto"
import type { HttpServerRequest } from "effect/http"
import { isSameSecret } from "../../schema/isSameSecret.ts"

/** What whoever has the printed address holds. Other users of the machine reach the port, and do not have it. */
export class Pass {
  readonly token: string
  /** Cookies of a host are sent to all of its ports: each command has a name of its own. */
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
