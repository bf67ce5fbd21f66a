/**
 * One server's announcements of changes under some prefixes, over a connection for that alone. It is made again for ever, and
 * tells the coverage when it stands, what it hears, how far that is known to be complete, and when it stands no more.
 */
import type { ConnectionSettings } from "../../../schema/ConnectionOptions.ts"
import { replyCode } from "../../../schema/failures.ts"
import type { DownCause, Tracking } from "../../../schema/Invalidation.ts"
import type { Coverage } from "../../invalidations/Announcer.ts"
import type { Link, LinkOptions, LinkState } from "../Link.ts"
import { Question } from "../Question.ts"
import { type RawReply, ReplyError } from "../RawReply.ts"
import { Timer } from "../Timer.ts"
import type { OnMessage, Wire } from "../Wire.ts"
import type { MachineTime } from "../MachineTime.ts"
import { KeyTracking } from "./KeyTracking.ts"
import { ProofBeat } from "./ProofBeat.ts"
import { runOf, Voucher } from "./Voucher.ts"

export interface ChannelOptions {
  readonly tracking: Tracking
  /** Opens the connection, to the server that reads go to. */
  readonly openLink: (options: Pick<LinkOptions, "onState" | "settings">) => Link
  /**
   * The connection that reads of this server take. It is opened where nobody has read yet: without it nothing is proven.
   * Undefined where there are none, because the server has no slots.
   */
  readonly data: (() => Link) | undefined
  /** A key that the server has, or would have; for what is asked on the connection that reads take. */
  readonly key: () => string
  readonly settings: ConnectionSettings
  readonly time: MachineTime
  readonly coverage: Pick<Coverage, "prefixes" | "heartbeat">
  readonly tell: Coverage["tell"]
  /** It stands. */
  readonly onLive?: (() => void) | undefined
  /** The server does not answer for its keys any more. */
  readonly onDisowned?: (() => void) | undefined
}

/** A channel that stands, and what it stands on. */
interface Subscribed {
  readonly server: string
  readonly run: string
  readonly subscriber: string
  readonly data: () => Link
  readonly live: () => void
}

const reasonOf = (state: LinkState): string =>
  (state._tag === "Down" ? state.reason?.code : undefined) ?? "the connection was lost"

const announcements = "__redis__:invalidate"

/** A server that refuses to announce is asked again after so many milliseconds: rights can be given. */
const refusedFor = 10_000

/** One that could not answer is asked again after so many milliseconds. */
const busyFor = 500

/** What servers say that will be able to answer. */
const isPassing = (code: string): boolean => code === "BUSY" || code === "LOADING" || code === "TRYAGAIN"

export class InvalidationChannel {
  readonly #options: ChannelOptions
  readonly #link: Link
  #wire: Wire | undefined
  #beat: ProofBeat | undefined
  #retry: Timer | undefined
  /** The server that was said to be live. */
  #live: string | undefined
  #told: string | undefined
  #hasEnded = false

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#link = options.openLink({
      // One question is under way at a time, of which the beat minds the time itself.
      settings: { ...options.settings, socketTimeout: Infinity },
      onState: (state) => this.#onState(state)
    })
    this.#link.open()
  }

  /** The connection that reads take has changed, or may have: it is looked at soon. */
  beat(): void {
    this.#beat?.beat()
  }

  /** Ends it without a word. */
  end(): void {
    this.#hasEnded = true
    this.#stop()
    void this.#link.end()
  }

  #onState(state: LinkState): void {
    if (this.#hasEnded) return
    if (state._tag === "Ready") this.#setUp(this.#link.wire!)
    // One that is being made for the first time has said nothing that could be over.
    else if (state._tag === "Down" || this.#wire !== undefined) this.#down(reasonOf(state), "lost")
  }

  #stop(): void {
    this.#wire = undefined
    this.#beat?.stop()
    this.#beat = undefined
    this.#retry?.cancel()
  }

  #down(reason: string, cause: DownCause): void {
    this.#stop()
    const server = this.#live
    this.#live = undefined
    // Attempts that fail for the same reason say nothing new.
    if (server === undefined && this.#told === reason) return
    this.#told = reason
    this.#options.tell({ _tag: "Down", server: server ?? this.#link.node, reason, cause })
  }

  /** Which client this is, then that client's tracking and its channel, in one write. */
  #setUp(wire: Wire): void {
    this.#stop()
    this.#wire = wire
    wire.listen({ onMessage: this.#onMessage })
    const {
      coverage: { prefixes },
      tracking
    } = this.#options
    let run: string | undefined
    this.#ask(wire, "INFO", ["server"], (reply) => {
      run = runOf(reply)
      if (run === undefined) this.#refused("INFO", "it does not tell its run")
    })
    this.#ask(wire, "CLIENT", ["ID"], (id) => {
      if (run === undefined) return
      const { length } = prefixes
      const named = length === 1 && prefixes[0] === "" ? [] : prefixes.flatMap((prefix) => ["PREFIX", prefix])
      const subscriber = String(id)
      if (tracking === "broadcast") {
        this.#ask(wire, "CLIENT", ["TRACKING", "ON", "REDIRECT", subscriber, "BCAST", ...named], () => {})
      }
      this.#ask(
        wire,
        "SUBSCRIBE",
        [announcements],
        () => run !== undefined && this.#onSubscribed(wire, { run, subscriber })
      )
    })
  }

  #ask(wire: Wire, name: string, args: ReadonlyArray<string>, then: (reply: RawReply) => void): void {
    const { commandTimeout } = this.#options.settings
    wire.write(
      new Question(name, args, commandTimeout, (error, reply) => {
        if (wire !== this.#wire) return
        if (error === undefined) return then(reply)
        // Other errors are told by the connection's own end.
        if (error instanceof ReplyError) this.#refused([name, ...args.slice(0, 1)].join(" "), replyCode(error.message))
      })
    )
  }

  #refused(what: string, code: string): void {
    const wire = this.#wire
    if (wire === undefined) return
    const isBusy = isPassing(code)
    this.#down(`${what} is refused: ${code}`, isBusy ? "lost" : "refused")
    this.#retry = new Timer(isBusy ? busyFor : refusedFor, () => wire.destroy()).unref()
  }

  #onSubscribed(wire: Wire, { run, subscriber }: { readonly run: string; readonly subscriber: string }): void {
    const { coverage, data, onLive, settings, tell, time, tracking } = this.#options
    const server = this.#link.node
    if (server === undefined) return
    data?.().open()
    const live = () => {
      this.#live = server
      this.#told = undefined
      tell({ _tag: "Live", server })
      onLive?.()
    }
    if (tracking === "broadcast") live()
    const voucher = data && this.#voucher(wire, { server, run, subscriber, data, live })
    this.#beat = new ProofBeat({
      wire,
      vouch: (done) => (voucher === undefined ? done(true) : voucher.vouch(done)),
      now: () => time.past(),
      heartbeat: () => coverage.heartbeat,
      patience: settings.socketTimeout,
      onProof: (sentAt) => tell({ _tag: "Proof", server, sentAt })
    })
    this.#beat.beat()
  }

  #voucher(wire: Wire, { data, live, run, server, subscriber }: Subscribed): Voucher {
    const { key, onDisowned, settings, tell, tracking } = this.#options
    const isBroadcast = tracking === "broadcast"
    return new Voucher({
      settings,
      run,
      data: () => data().wire,
      key,
      keyTracking: isBroadcast
        ? undefined
        : new KeyTracking({
            settings,
            subscriber,
            onRefused: (what, code) => wire === this.#wire && this.#refused(what, code)
          }),
      // What was read over another connection is announced no more.
      onKnown: () => !isBroadcast && wire === this.#wire && live(),
      onOtherServer: () => {
        this.#down("announcements come from another server than values", "lost")
        this.#retry = new Timer(busyFor, () => wire.destroy()).unref()
      },
      onDisowned: (reason) => {
        tell({ _tag: "Everything", server, reason })
        onDisowned?.()
      }
    })
  }

  /** In the socket's own handler: what waited for a later turn could be overtaken by the answer to a PING. */
  readonly #onMessage: OnMessage = ({ channel, message }) => {
    const server = this.#live
    if (channel !== announcements || server === undefined) return
    const { tell } = this.#options
    if (message === null) return tell({ _tag: "Everything", server, reason: "FLUSHDB or FLUSHALL" })
    // What somebody publishes there is text.
    if (Array.isArray(message)) tell({ _tag: "Keys", keys: message.map(String), own: false })
  }
}
