/**
 * A server, its data connection and its channel, with no network and no time but a number that a test moves. Whatever is
 * on one connection keeps its order; what is on two does not.
 */
import { ReplyOrder } from "../../../src/layers/invalidations/ReplyOrder.ts"
import type { Invalidation, TrackedReply } from "../../../src/schema/Invalidation.ts"

/** What a key held for a while. */
export interface Epoch {
  readonly value: number | undefined
  readonly from: number
  to: number
  /** Its lifetime ended it. */
  hasExpired: boolean
}

type Line = "requests" | "replies" | "requests by the other way" | "replies by the other way" | "pings" | "messages"

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Milliseconds that the next thing on a connection takes. */
export interface Delays {
  readonly data: () => number
  readonly channel: () => number
}

export class SimulatedChannel {
  now = 0
  /** For the counter-proof: a proof's instant is that of its reception. */
  provesByReceiving = false
  readonly #delays: Delays
  readonly #onEvent: (event: Invalidation) => void
  readonly #due: Array<Due> = []
  readonly #histories = new Map<string, Array<Epoch>>()
  readonly #deadlines = new Map<string, number>()
  #order = 0
  #connection = 0
  #isOpen = false
  #frozenUntil = 0
  /** When the last thing of each line arrives; nothing that is sent later comes before it. */
  readonly #last: Record<Line, number> = {
    requests: 0,
    replies: 0,
    "requests by the other way": 0,
    "replies by the other way": 0,
    pings: 0,
    messages: 0
  }
  readonly #replyOrder = new ReplyOrder()
  readonly #otherReplyOrder = new ReplyOrder()

  constructor(delays: Delays, onEvent: (event: Invalidation) => void) {
    this.#delays = delays
    this.#onEvent = onEvent
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** All that the key has held, oldest first. */
  history(key: string): ReadonlyArray<Epoch> {
    return this.#historyOf(key)
  }

  /** Lets time pass. */
  pass(millis: number): void {
    const end = this.now + millis
    for (;;) {
      const next = this.#due.reduce<Due | undefined>(
        (first, due) =>
          first === undefined || due.at < first.at || (due.at === first.at && due.order < first.order) ? due : first,
        undefined
      )
      if (next === undefined || next.at > end) break
      this.#due.splice(this.#due.indexOf(next), 1)
      this.now = Math.max(this.now, next.at)
      this.#expire()
      next.run()
    }
    this.now = end
    this.#expire()
  }

  freeze(millis: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.now + millis)
  }

  /** A read of this process. `isOther`: over another connection than writes, and most reads. */
  read(key: string, isOther: boolean, onReply: (reply: TrackedReply) => void): void {
    const sentAt = this.now
    const order = isOther ? this.#otherReplyOrder : this.#replyOrder
    this.#execute(isOther ? "requests by the other way" : "requests", this.#delays.data(), () => {
      const value = this.#historyOf(key).at(-1)!.value
      const deadline = this.#deadlines.get(key)
      const pttl = value === undefined ? -2 : deadline === undefined ? -1 : Math.max(0, deadline - this.now)
      const stored = value === undefined ? null : String(value)
      this.#deliver(isOther ? "replies by the other way" : "replies", this.#delays.data(), () =>
        onReply({ value: stored, pttl, sentAt, server: "s", place: order.next() })
      )
    })
  }

  /** A write of this process. */
  write(key: string, value: number | undefined, lifetime: number | undefined, onReply: () => void): void {
    this.#execute("requests", this.#delays.data(), () => {
      this.change(key, value, lifetime)
      this.#deliver("replies", this.#delays.data(), onReply)
    })
  }

  /** A write of somebody else, now. */
  change(key: string, value: number | undefined, lifetime?: number): void {
    this.#become(key, value, this.now)
    if (value === undefined || lifetime === undefined) this.#deadlines.delete(key)
    else this.#deadlines.set(key, this.now + lifetime)
    this.#announce({ _tag: "Keys", keys: [key], own: false })
  }

  flush(): void {
    for (const [key, history] of this.#histories) {
      if (history.at(-1)!.value === undefined) continue
      this.#become(key, undefined, this.now)
      this.#deadlines.delete(key)
    }
    this.#announce({ _tag: "Everything", server: "s", reason: "flushed" })
  }

  /** The channel stands after so many milliseconds. */
  open(after: number): void {
    this.#at(this.now + after, () => {
      this.#isOpen = true
      this.#connection++
      this.#last.messages = this.now
      this.#last.pings = this.now
      this.#onEvent({ _tag: "Live", server: "s" })
    })
  }

  /** What is on its way is lost, and the client knows after so many milliseconds. */
  lose(noticedAfter: number): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#connection++
    this.#at(this.now + noticedAfter, () => this.#onEvent({ _tag: "Down", server: "s", reason: "lost", cause: "lost" }))
  }

  /** Asks for a proof. */
  ping(onPong: () => void): void {
    const connection = this.#connection
    const sentAt = this.now
    this.#execute("pings", this.#delays.channel(), () => {
      if (connection !== this.#connection) return
      this.#deliver("messages", this.#delays.channel(), () => {
        if (connection !== this.#connection) return
        this.#onEvent({ _tag: "Proof", server: "s", sentAt: this.provesByReceiving ? this.now : sentAt })
        onPong()
      })
    })
  }

  #announce(event: Invalidation): void {
    if (!this.#isOpen) return
    const connection = this.#connection
    this.#deliver("messages", this.#delays.channel(), () => {
      if (connection === this.#connection) this.#onEvent(event)
    })
  }

  #expire(): void {
    for (const [key, deadline] of this.#deadlines) {
      if (deadline > this.now) continue
      this.#become(key, undefined, deadline)
      this.#historyOf(key).at(-2)!.hasExpired = true
      this.#deadlines.delete(key)
      // Servers look for what has expired now and then.
      this.#at(this.now + 200, () => this.#announce({ _tag: "Keys", keys: [key], own: false }))
    }
  }

  #become(key: string, value: number | undefined, at: number): void {
    const history = this.#historyOf(key)
    history.at(-1)!.to = at
    history.push({ value, from: at, to: Infinity, hasExpired: false })
  }

  #historyOf(key: string): Array<Epoch> {
    const known = this.#histories.get(key)
    if (known !== undefined) return known
    const history: Array<Epoch> = [{ value: undefined, from: -Infinity, to: Infinity, hasExpired: false }]
    this.#histories.set(key, history)
    return history
  }

  #execute(line: Line, delay: number, run: () => void): void {
    const arrive = () => {
      if (this.now >= this.#frozenUntil) return run()
      this.#at(this.#frozenUntil, arrive)
    }
    this.#deliver(line, delay, arrive)
  }

  #deliver(line: Line, delay: number, run: () => void): void {
    const at = Math.max(this.now + delay, this.#last[line])
    this.#last[line] = at
    this.#at(at, run)
  }

  #at(at: number, run: () => void): void {
    this.#due.push({ at, order: this.#order++, run })
  }
}
