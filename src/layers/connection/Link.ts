/** One iovalkey client's life: opened at the first need, reconnecting for ever, closed within its time. */
import type { Socket } from "node:net"
import { Redis } from "iovalkey"
import { CacheConnectionError, type CacheError, CacheTimeoutError, type ForeignError } from "../../schema/CacheError.ts"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import type { Connections } from "./Connections.ts"
import { causeOf, type Circumstances, isReplyError, NoConnection, notConnected } from "./errors.ts"
import { type Greeting, handshake } from "./handshake.ts"
import { disconnectTimeout, iovalkeyOptions } from "./iovalkeyOptions.ts"
import { SilenceWatch } from "./SilenceWatch.ts"
import { openSocket, socketConnector } from "./SocketConnector.ts"

/** Waits for a connection. Told once, with a client that is ready or with the reason why there is none. */
export interface Waiter {
  readonly operation: string
  readonly ready: (client: Redis) => void
  readonly fail: (error: CacheError) => void
}

export type LinkState =
  | { readonly _tag: "Idle" | "Connecting" | "Ready" | "Closed" }
  /** The last attempt failed and the next one is due; whoever comes meanwhile is told at once. */
  | { readonly _tag: "Down"; readonly reason: ForeignError | undefined }

export interface LinkOptions {
  readonly settings: ConnectionSettings
  /** Where to connect: always the same place, or whoever is the server now, asked before each attempt. */
  readonly address: Address | (() => Promise<Address>)
  readonly greeting?: Greeting | undefined
  /** Numbers in [0, 1), for the jitter of the delays between attempts. */
  readonly random: () => number
  readonly repliesDue: () => boolean
  /** Called whenever a connection that was ready is lost. */
  readonly onLost?: (() => void) | undefined
  readonly onState?: ((state: LinkState) => void) | undefined
  /** Where it is found by who has to close it. */
  readonly connections?: Connections | undefined
}

/** How long a connection must have held for the next loss to start again with the shortest delay, in milliseconds. */
const stableAfter = 5000

export const nodeName = (address: Address): string =>
  "path" in address
    ? address.path
    : address.host.includes(":")
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`

export class Link {
  readonly #options: LinkOptions
  readonly #silence: SilenceWatch
  readonly #waiters = new Set<Waiter>()
  #address: Address | undefined
  #state: LinkState["_tag"] = "Idle"
  #client: Redis | undefined
  #lastError: ForeignError | undefined
  #attemptTimer: NodeJS.Timeout | undefined
  #attempts = 0
  #readySince = 0
  #wake: (() => void) | undefined
  #isSwitching = false

  constructor(options: LinkOptions) {
    const { address, settings } = options
    if (typeof address !== "function") this.#address = address
    this.#options = options
    this.#silence = new SilenceWatch(settings.socketTimeout, options.repliesDue, () =>
      this.#blame("ETIMEDOUT", `no byte within ${settings.socketTimeout} ms while replies were due`)
    )
  }

  /** The server's name, once it is known. */
  get node(): string | undefined {
    return this.#address && nodeName(this.#address)
  }

  /** The client, while it is ready. A field, because every command asks for it. */
  readyClient: Redis | undefined = undefined

  get isDown(): boolean {
    return this.#state === "Down"
  }

  circumstances(operation: string): Circumstances {
    return { operation, node: this.node, lastError: this.#lastError }
  }

  closedError(operation: string): CacheConnectionError {
    return closedError(operation, this.node)
  }

  /** Opens the connection at the first call. Waits while the first attempt is under way, at most `connectTimeout`. */
  whenReady(waiter: Waiter): void {
    switch (this.#state) {
      case "Closed":
        return waiter.fail(this.closedError(waiter.operation))
      case "Down":
        return waiter.fail(notConnected(this.circumstances(waiter.operation)))
      case "Idle":
        this.#waiters.add(waiter)
        return this.open()
      case "Connecting":
        this.#waiters.add(waiter)
        return
      case "Ready":
        return waiter.ready(this.#client!)
    }
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** Starts to connect, where nobody has yet. */
  open(): void {
    if (this.#state !== "Idle") return
    this.#options.connections?.opened(this)
    this.#become("Connecting")
    const connector = socketConnector({ next: () => this.#nextSocket(), stop: () => this.#wake?.() })
    const client = new Redis(iovalkeyOptions(this.#options.settings, connector))
    this.#client = client
    client.on("error", (error: unknown) => {
      this.#lastError = causeOf(error)
    })
    client.on("ready", () => this.#greet(client))
    client.on("close", () => this.#onClose())
    // What it rejects with says nothing that `error` and `close` do not.
    client.connect().catch(() => {})
  }

  /** Leaves the server it has, or that it tries to reach, and asks at once for the one to connect to. */
  reconnect(code: string, message: string): void {
    if (this.#state === "Closed" || this.#state === "Idle") return
    this.#attempts = 0
    if (this.#wake !== undefined) return this.#wake()
    this.#blame(code, message)
    // Whoever comes now can wait for the next server: it is there.
    this.#isSwitching = true
    this.#client?.stream?.destroy()
  }

  /** Leaves a server that has been replaced: for the one that is there now, or for ever where it knows no other place. */
  leave(code: string, message: string): void {
    if (typeof this.#options.address === "function") return this.reconnect(code, message)
    const wasReady = this.#state === "Ready"
    const stream = this.#client?.stream
    this.#blame(code, message)
    void this.end()
    stream?.destroy()
    if (wasReady) this.#options.onLost?.()
  }

  /** Refuses everybody from now on. */
  refuse(): void {
    this.#options.connections?.closed(this)
    this.#become("Closed")
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

  /** Each round is an attempt. One that gets as far as a socket is iovalkey's, which comes back when it fails. */
  async #nextSocket(): Promise<Socket> {
    const { address, settings } = this.#options
    // A socket is made and listened to in one run of promises, before it can report anything.
    await Promise.resolve()
    for (;;) {
      if (this.#attempts > 0) await this.#pause(this.#retryDelay())
      this.#attempts++
      if (this.#state === "Closed") throw new Error("closed")
      this.#startAttempt()
      try {
        if (typeof address === "function") this.#address = await address()
        // Closed while asking.
        if (this.#client === undefined) throw new Error("closed")
        return openSocket(this.#address!, settings.tls)
      } catch (error) {
        if (this.#client === undefined) throw error
        this.#lastError = causeOf(error)
        this.#onClose()
      }
    }
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), millis)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  #startAttempt(): void {
    const { connectTimeout } = this.#options.settings
    clearTimeout(this.#attemptTimer)
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
      this.#client?.stream?.destroy()
    }, connectTimeout).unref()
  }

  #greet(client: Redis): void {
    if (this.#state === "Closed" || client.status !== "ready") return
    handshake(client, this.#options.settings, this.#options.greeting, (error) => {
      if (this.#state === "Closed") return
      if (error === undefined) return this.#onReady(client)
      // Other errors only say that the socket closed.
      if (isReplyError(error) || error.name === "ParserError" || error instanceof NoConnection)
        this.#lastError = causeOf(error)
      client.stream.destroy()
    })
  }

  #onReady(client: Redis): void {
    clearTimeout(this.#attemptTimer)
    this.#lastError = undefined
    this.#readySince = performance.now()
    this.#silence.start(client.stream)
    this.#become("Ready")
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.ready(client)
  }

  #onClose(): void {
    clearTimeout(this.#attemptTimer)
    this.#silence.stop()
    if (this.#state === "Closed") return
    const wasReady = this.#state === "Ready"
    this.#become(this.#isSwitching ? "Connecting" : "Down")
    if (!this.#isSwitching) this.#failWaiters(({ operation }) => notConnected(this.circumstances(operation)))
    this.#isSwitching = false
    if (wasReady) this.#options.onLost?.()
  }

  #become(tag: LinkState["_tag"]): void {
    this.#state = tag
    this.readyClient = tag === "Ready" ? this.#client : undefined
    this.#options.onState?.(tag === "Down" ? { _tag: tag, reason: this.#lastError } : { _tag: tag })
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
    if (this.#readySince > 0 && performance.now() - this.#readySince >= stableAfter) this.#attempts = 1
    this.#readySince = 0
    const delay = Math.min(reconnectBase * 2 ** Math.min(this.#attempts - 1, 30), reconnectMax)
    return delay * (0.8 + 0.4 * this.#options.random())
  }
}

export const closedError = (operation: string, node?: string): CacheConnectionError =>
  new CacheConnectionError({ operation, phase: "closed", code: undefined, node, mayHaveExecuted: false })

const after = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis).unref())
