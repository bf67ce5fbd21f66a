/** One iovalkey client's life: opened at the first need, reconnecting for ever, closed within its time. */
import { Redis } from "iovalkey"
import { CacheConnectionError, type CacheError, CacheTimeoutError, type Cause } from "../../schema/CacheError.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { causeOf, type Circumstances, isReplyError, notConnected } from "./errors.ts"
import { handshake } from "./handshake.ts"
import { disconnectTimeout, iovalkeyOptions } from "./iovalkeyOptions.ts"
import { SilenceWatch } from "./SilenceWatch.ts"

/** Waits for a connection. Told once, with a client that is ready or with the reason why there is none. */
export interface Waiter {
  readonly operation: string
  readonly ready: (client: Redis) => void
  readonly fail: (error: CacheError) => void
}

export interface LinkOptions {
  readonly settings: ConnectionSettings
  /** Numbers in [0, 1), for the jitter of the delays between attempts. */
  readonly random: () => number
  readonly repliesDue: () => boolean
  /** Called whenever a connection that was ready is lost. */
  readonly onLost?: (() => void) | undefined
}

/** `down`: the last attempt failed and the next one is due; whoever comes meanwhile is told at once. */
type State = "idle" | "connecting" | "ready" | "down" | "closed"

/** How long a connection must have held for the next loss to start again with the shortest delay, in milliseconds. */
const stableAfter = 5000

export class Link {
  readonly node: string
  readonly #options: LinkOptions
  readonly #silence: SilenceWatch
  readonly #waiters = new Set<Waiter>()
  #state: State = "idle"
  #client: Redis | undefined
  #lastError: Cause | undefined
  #attemptTimer: NodeJS.Timeout | undefined
  #attempts = 0
  #readySince = 0

  constructor(options: LinkOptions) {
    const { address, socketTimeout } = options.settings
    this.node = "path" in address ? address.path : `${address.host}:${address.port}`
    this.#options = options
    this.#silence = new SilenceWatch(socketTimeout, options.repliesDue, () =>
      this.#blame("ETIMEDOUT", `no byte within ${socketTimeout} ms while replies were due`)
    )
  }

  /** The client, while it is ready. */
  get readyClient(): Redis | undefined {
    return this.#state === "ready" ? this.#client : undefined
  }

  get isClosed(): boolean {
    return this.#state === "closed"
  }

  circumstances(operation: string): Circumstances {
    return { operation, node: this.node, lastError: this.#lastError }
  }

  closedError(operation: string): CacheConnectionError {
    return new CacheConnectionError({
      operation,
      phase: "closed",
      code: undefined,
      node: this.node,
      mayHaveExecuted: false
    })
  }

  /** Opens the connection at the first call. Waits while the first attempt is under way, at most `connectTimeout`. */
  whenReady(waiter: Waiter): void {
    switch (this.#state) {
      case "closed":
        return waiter.fail(this.closedError(waiter.operation))
      case "down":
        return waiter.fail(notConnected(this.circumstances(waiter.operation)))
      case "idle":
        this.#waiters.add(waiter)
        return this.#open()
      case "connecting":
        this.#waiters.add(waiter)
        return
      case "ready":
        return waiter.ready(this.#client!)
    }
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** Refuses everybody from now on. */
  refuse(): void {
    this.#state = "closed"
    clearTimeout(this.#attemptTimer)
    this.#failWaiters(({ operation }) => this.closedError(operation))
  }

  /** Closes the socket; takes no longer than `disconnectTimeout` and a little. */
  async end(): Promise<void> {
    this.refuse()
    this.#silence.stop()
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const isOpen = client.status === "ready" || client.status === "connect" || client.status === "connecting"
    const ended = new Promise<void>((resolve) => client.once("end", resolve))
    client.disconnect()
    // A client that is between two attempts never says that it ended.
    if (isOpen) await Promise.race([ended, after(disconnectTimeout + 50)])
    client.stream?.destroy()
  }

  #open(): void {
    this.#state = "connecting"
    const client = new Redis(iovalkeyOptions(this.#options.settings, () => this.#retryDelay()))
    this.#client = client
    client.on("error", (error: unknown) => {
      this.#lastError = causeOf(error)
    })
    client.on("connecting", () => this.#startAttempt(client))
    client.on("ready", () => this.#greet(client))
    client.on("close", () => this.#onClose())
    client.on("end", () => this.#onEnd(client))
    // What it rejects with says nothing that `error` and `close` do not.
    client.connect().catch(() => {})
  }

  #startAttempt(client: Redis): void {
    const { connectTimeout } = this.#options.settings
    clearTimeout(this.#attemptTimer)
    if (this.#state === "closed") return
    this.#attemptTimer = setTimeout(() => {
      this.#blame("ETIMEDOUT", `not ready within ${connectTimeout} ms`)
      this.#failWaiters(
        ({ operation }) =>
          new CacheTimeoutError({
            operation,
            phase: "connect",
            timeout: connectTimeout,
            node: this.node,
            mayHaveExecuted: false
          })
      )
      client.stream?.destroy()
    }, connectTimeout).unref()
  }

  #greet(client: Redis): void {
    if (this.#state === "closed" || client.status !== "ready") return
    handshake(client, this.#options.settings, (error) => {
      if (this.#state === "closed") return
      if (error === undefined) return this.#onReady(client)
      // Other errors only say that the socket closed.
      if (isReplyError(error) || error.name === "ParserError") this.#lastError = causeOf(error)
      client.stream.destroy()
    })
  }

  #onReady(client: Redis): void {
    clearTimeout(this.#attemptTimer)
    this.#state = "ready"
    this.#lastError = undefined
    this.#readySince = performance.now()
    this.#silence.start(client.stream)
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.ready(client)
  }

  #onClose(): void {
    clearTimeout(this.#attemptTimer)
    this.#silence.stop()
    if (this.#state === "closed") return
    const wasReady = this.#state === "ready"
    this.#state = "down"
    this.#failWaiters(({ operation }) => notConnected(this.circumstances(operation)))
    if (wasReady) this.#options.onLost?.()
  }

  /** iovalkey gave up, which it does only where TLS material cannot even be read. The next need starts anew. */
  #onEnd(client: Redis): void {
    if (this.#state === "closed" || client !== this.#client) return
    this.#onClose()
    this.#client = undefined
    this.#state = "idle"
  }

  #failWaiters(error: (waiter: Waiter) => CacheError): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.fail(error(waiter))
  }

  #blame(code: string, message: string): void {
    this.#lastError = { name: "Error", message, code }
  }

  #retryDelay(): number {
    const { reconnectBase, reconnectMax } = this.#options.settings
    if (this.#readySince > 0 && performance.now() - this.#readySince >= stableAfter) this.#attempts = 0
    this.#readySince = 0
    const delay = Math.min(reconnectBase * 2 ** Math.min(this.#attempts++, 30), reconnectMax)
    return delay * (0.8 + 0.4 * this.#options.random())
  }
}

const after = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis).unref())
