/** One visitor's sessions as they should be: a browser with one cookie, and requests that take as long as they like. */

interface Fate {
  /** The data that it began with. */
  readonly root: string
  data: string
  /** In milliseconds; what is over lives no more. */
  livesUntil: number
  /** Known to have ended, after a cycle. */
  endedUntil: number
}

/** What a request knows: nothing yet, that there is none, that it has ended, or which session it is. */
type Known = "unasked" | "none" | "ended" | number

interface ModelRequest {
  readonly cookie: number | undefined
  known: Known
  /** As this request knows it. */
  data: string
  change: { readonly writes: number | undefined } | undefined
}

export interface VisitModelOptions {
  readonly slides: boolean
  readonly lifetime: number
  readonly handover: number
}

export class VisitModel {
  now = 0
  /** The session that the browser's cookie names. */
  jar: number | undefined
  readonly fates: Array<Fate> = []
  readonly requests: Array<ModelRequest> = []
  readonly #options: VisitModelOptions

  constructor(options: VisitModelOptions) {
    this.#options = options
  }

  lives(session: number): boolean {
    return this.fates[session]!.livesUntil > this.now
  }

  status(session: number): "Found" | "Ended" | "Missing" {
    if (this.lives(session)) return "Found"
    return this.fates[session]!.endedUntil > this.now ? "Ended" : "Missing"
  }

  begin(data: string): number {
    this.fates.push({ root: data, data, livesUntil: this.now + this.#options.lifetime, endedUntil: 0 })
    return this.fates.length - 1
  }

  open(): number {
    this.requests.push({
      cookie: this.jar,
      known: this.jar === undefined ? "none" : "unasked",
      data: "",
      change: undefined
    })
    return this.requests.length - 1
  }

  get(request: number): string | undefined {
    const asked = this.#asked(request)
    return typeof asked.known === "number" ? asked.data : undefined
  }

  set(request: number, data: string): "stored" | "SessionEnded" {
    const asked = this.#asked(request)
    if (asked.known === "none") {
      asked.known = this.begin(data)
      asked.change = { writes: asked.known }
    } else if (typeof asked.known === "number" && this.lives(asked.known)) {
      this.fates[asked.known]!.data = data
      this.#use(asked.known)
    } else {
      asked.known = "ended"
      return "SessionEnded"
    }
    asked.data = data
    return "stored"
  }

  cycle(request: number): boolean {
    const asked = this.#asked(request)
    if (typeof asked.known !== "number") return false
    if (!this.lives(asked.known)) {
      asked.known = "ended"
      return false
    }
    this.#use(asked.known)
    const old = this.fates[asked.known]!
    this.fates.push({ ...old })
    old.livesUntil = 0
    old.endedUntil = this.now + this.#options.handover
    asked.known = this.fates.length - 1
    asked.data = old.data
    asked.change = { writes: asked.known }
    return true
  }

  destroy(request: number): void {
    const asked = this.requests[request]!
    const session = asked.known === "unasked" ? asked.cookie : asked.known
    if (typeof session === "number" && this.lives(session)) this.fates[session]!.livesUntil = 0
    asked.known = "none"
    asked.change = asked.cookie === undefined ? undefined : { writes: undefined }
  }

  respond(request: number): void {
    const { change } = this.requests[request]!
    if (change !== undefined) this.jar = change.writes
  }

  #asked(request: number): ModelRequest {
    const asked = this.requests[request]!
    if (asked.known !== "unasked" || asked.cookie === undefined) return asked
    const status = this.status(asked.cookie)
    if (status === "Found") {
      asked.known = asked.cookie
      asked.data = this.fates[asked.cookie]!.data
      this.#use(asked.cookie)
    } else asked.known = status === "Ended" ? "ended" : "none"
    return asked
  }

  #use(session: number): void {
    if (this.#options.slides) this.fates[session]!.livesUntil = this.now + this.#options.lifetime
  }
}
