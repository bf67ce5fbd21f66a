/** What opens the pages of `effect-vcache admin`. */
import { randomBytes, timingSafeEqual } from "node:crypto"
import type { HttpServerRequest } from "effect/http"

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
    const [a, b] = [Buffer.from(given), Buffer.from(this.token)]
    return a.length === b.length && timingSafeEqual(a, b)
  }

  isIn({ headers }: HttpServerRequest.HttpServerRequest): boolean {
    const start = `${this.cookie}=`
    const found = (headers["cookie"] ?? "").split("; ").find((cookie) => cookie.startsWith(start))
    return found !== undefined && this.is(found.slice(start.length))
  }
}
