/** The connection to a server: opened at the first need, made again for ever, closed within its time. */
import type { Socket } from "node:net"
import { Effect, Exit } from "effect"
import type { Redis } from "iovalkey"
import { type CommandError, CacheTimeoutError } from "../../schema/CacheError.ts"
import type { ForeignError } from "../../schema/ForeignError.ts"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { endpointName } from "../../schema/connectionUrl.ts"
import { closedError } from "../../schema/failures.ts"
import type { Connections } from "./Connections.ts"
import { type ConnectionBroken, NoConnection, ReplyTooLarge } from "./ConnectionFailure.ts"
import { type Identity, identify } from "./credentials.ts"
import { causeOf, type Circumstances, isReplyError, notConnected } from "./errors.ts"
import { type Greeting, handshake } from "./handshake.ts"
import { type Iovalkey, loadIovalkey } from "./iovalkey.ts"
import { disconnectTimeout } from "./iovalkeyOptions.ts"
import { makeRawClient } from "./rawClient.ts"
import { Reauthentication } from "./Reauthentication.ts"
import { openSocket } from "./socketConnector.ts"
import { Wire } from "./Wire.ts"
import { WireWatch } from "./WireWatch.ts"
import { PatientTimer, Timer } from "./Timer.ts"

/** Waits for a connection. Told once, with one that is ready or with the reason why there is none. */
export interface Waiter {
  readonly operation: string
  readonly ready: (wire: Wire) => void
  readonly fail: (error: CommandError) => void
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
  /** Called whenever a connection that was ready is lost. */
  readonly onLost?: (() => void) | undefined
  readonly onState?: ((state: LinkState) => void) | undefined
  /** Whether commands that belong together are being sent, of which one of ours would become a part. */
  readonly isBusy?: (() => boolean) | undefined
  /** Where it is found by who has to close it. */
  readonly connections?: Connections | undefined
}

/** How long a connection must have held for the next loss to start again with the shortest delay, in milliseconds. */
const stableAfter = 5000

/** A server that closes a connection after these milliseconds, with nothing under way on it, has only tidied up. */
const idleAfter = 1000

/** Whoever comes after a loss waits so many milliseconds for the next connection; for the next server, as long as it takes. */
const waitAfterLoss = 500

export const nodeName = (address: Address): string => ("path" in address ? address.path : endpointName(address))

export class Link {
  readonly #options: LinkOptions
  readonly #watch: WireWatch
  readonly #reauthentication: Reauthentication
  readonly #waiters = new Set<Waiter>()
  #address: Address | undefined
  #state: LinkState["_tag"] = "Idle"
  #client: Redis | undefined
  /** The last one that was opened. */
  #wire: Wire | undefined
  /** Who we are on it. */
  #identity: Identity | undefined
  #lastError: ForeignError | undefined
  #attemptTimer: PatientTimer | undefined
  #waitTimer: Timer | undefined
  #attempts = 0
  #readySince = 0
  #wake: (() => void) | undefined
  /** Left since it was named, before there was a connection to it. */
  #left: Address | undefined
  /** The next connection is likely to be made, and worth waiting for. */
  #isExpected = false

  constructor(options: LinkOptions) {
    const { address, isBusy = () => false, settings } = options
    if (typeof address !== "function") this.#goTo(address)
    this.#options = options
    this.#watch = new WireWatch(settings.socketTimeout)
    this.#reauthentication = new Reauthentication({ settings, isBusy })
  }

  /** The server's name, once it is known. A field, because every reply is known by it. */
  node: string | undefined = undefined

  /** The connection, while it is ready. A field, because every command asks for it. */
  wire: Wire | undefined = undefined

  get isDown(): boolean {
    return this.#state === "Down"
  }

  get awaits(): string | undefined {
    return this.#wire?.awaits
  }

  circumstances(operation: string): Circumstances {
    return { operation, node: this.node, lastError: this.#lastError }
  }

  /** Opens the connection at the first call. Waits while the first attempt is under way, at most `connectTimeout`. */
  whenReady(waiter: Waiter): void {
    switch (this.#state) {
      case "Closed":
        return waiter.fail(closedError(waiter.operation, this.node))
      case "Down":
        return waiter.fail(notConnected(this.circumstances(waiter.operation)))
      case "Idle":
        this.#waiters.add(waiter)
        return this.open()
      case "Connecting":
        this.#waiters.add(waiter)
        return
      case "Ready":
        return waiter.ready(this.wire!)
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
    loadIovalkey()
      .then((iovalkey) => this.#openWith(iovalkey))
      .catch((error: unknown) => {
        this.#lastError = causeOf(error)
        this.#onLoss()
      })
  }

  #openWith(iovalkey: Iovalkey): void {
    if (this.#state === "Closed") return
    const { address, settings } = this.#options
    const client = makeRawClient(iovalkey, {
      settings,
      address,
      sockets: { next: () => this.#nextSocket(), stop: () => this.#wake?.() },
      write: (write) => (this.#wire === undefined ? write() : this.#wire.foreign(write))
    })
    this.#client = client
    client.on("error", (error: unknown) => {
      this.#lastError = causeOf(error)
    })
    client.on("ready", () => this.#greet())
    // A program that has iovalkey's client may close it, which is not to be the end for everybody else.
    client.on("end", () => {
      if (this.#state !== "Closed") client.connect().catch(() => {})
    })
    // What it rejects with says nothing that `error` and `close` do not.
    client.connect().catch(() => {})
  }

  /** Leaves the server it has, or that it tries to reach, and asks at once for the one to connect to. */
  reconnect(code: string, message: string): void {
    if (this.#state === "Closed" || this.#state === "Idle") return
    this.#attempts = 0
    if (this.#wake !== undefined) return this.#wake()
    this.#left = this.#address
    this.#blame(code, message)
    // The next server is there.
    this.#isExpected = true
    this.#wire?.destroy()
  }

  /** Leaves a server that has been replaced: for the one that is there now, or for ever where it knows no other place. */
  leave(code: string, message: string): void {
    if (typeof this.#options.address === "function") return this.reconnect(code, message)
    const wasReady = this.#state === "Ready"
    const wire = this.#wire
    this.#blame(code, message)
    void this.end()
    wire?.destroy()
    if (wasReady) this.#options.onLost?.()
  }

  /** Refuses everybody from now on. */
  refuse(): void {
    this.#options.connections?.closed(this)
    this.#become("Closed")
    this.#attemptTimer?.stop()
    this.#waitTimer?.cancel()
    this.#failWaiters(({ operation }) => closedError(operation, this.node))
  }

  /** Waits for the replies that callers are owed, at most so many milliseconds, then closes the socket. */
  async close(limit: number): Promise<void> {
    const { wire } = this
    this.refuse()
    if (wire?.owes === true) {
      let timer: Timer | undefined
      await new Promise<void>((resolve) => {
        timer = new Timer(limit, resolve)
        wire.whenDrained(resolve)
      })
      timer?.cancel()
    }
    // What is still on the wire is lost when the socket closes.
    await this.end()
  }

  /** Closes the socket; takes no longer than `disconnectTimeout` and a little. */
  async end(): Promise<void> {
    this.refuse()
    this.#watch.stop()
    this.#reauthentication.stop()
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const isOpen = client.status === "ready" || client.status === "connect" || client.status === "connecting"
    const ended = new Promise<void>((resolve) => client.once("end", resolve))
    client.disconnect()
    // A client that is between two attempts never says that it ended.
    if (isOpen) await Promise.race([ended, after(disconnectTimeout + 50)])
    this.#wire?.destroy()
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
        this.#left = undefined
        if (typeof address === "function") this.#goTo(await address())
        this.#identity = await identify(settings)
        if (this.#address === this.#left) continue
        // Closed while asking.
        const client = this.#client
        if (client === undefined) throw new Error("closed")
        this.#wire = new Wire({
          open: (onBytes) => openSocket(this.#address!, settings.tls, onBytes),
          client,
          settings,
          onEnd: (wire, reason) => this.#onWireEnd(wire, reason)
        })
        return this.#wire.socket
      } catch (error) {
        if (this.#client === undefined) throw error
        this.#lastError = causeOf(error)
        this.#onLoss()
      }
    }
  }

  #goTo(address: Address): void {
    this.#address = address
    this.node = nodeName(address)
  }

  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = new Timer(millis, () => this.#wake?.())
      this.#wake = () => {
        timer.cancel()
        this.#wake = undefined
        resolve()
      }
    })
  }

  #startAttempt(): void {
    const { connectTimeout } = this.#options.settings
    this.#attemptTimer?.stop()
    this.#attemptTimer = new PatientTimer(connectTimeout, () => {
      const code = this.awaits
      this.#blame(code ?? "ETIMEDOUT", `not ready within ${connectTimeout} ms`)
      const why = { node: this.node, mayHaveExecuted: false, ...(code === undefined ? {} : { code }) }
      this.#failWaiters(
        ({ operation }) => new CacheTimeoutError({ operation, phase: "connect", timeout: connectTimeout, ...why })
      )
      this.#wire?.destroy()
    })
  }

  #greet(): void {
    const [wire, identity, address] = [this.#wire, this.#identity, this.#address]
    if (this.#state === "Closed" || wire === undefined || identity === undefined || address === undefined) return
    const { greeting, settings } = this.#options
    handshake(wire, { settings, identity, address, greeting }, (error) => {
      if (this.#state === "Closed" || wire !== this.#wire) return
      if (error === undefined) return this.#onReady(wire, identity)
      // Other errors only say that the socket closed.
      if (isReplyError(error) || error instanceof NoConnection || error instanceof ReplyTooLarge) {
        this.#lastError = causeOf(error)
      }
      wire.destroy()
    })
  }

  #onReady(wire: Wire, identity: Identity): void {
    this.#attemptTimer?.stop()
    this.#waitTimer?.cancel()
    this.#isExpected = false
    this.#lastError = undefined
    this.#readySince = performance.now()
    this.#watch.start(wire)
    this.#reauthentication.start(wire, identity)
    this.#become("Ready")
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.ready(wire)
  }

  #onWireEnd(wire: Wire, reason: ConnectionBroken | undefined): void {
    if (wire !== this.#wire) return
    if (reason !== undefined) this.#lastError = causeOf(reason)
    if (this.#state === "Ready" && !this.#isExpected) this.#wasReady(wire, reason === undefined)
    this.#onLoss()
  }

  /** A connection that was ready is lost. One that the server closes is likely to be taken anew, unless others were lost before. */
  #wasReady(wire: Wire, byServer: boolean): void {
    const held = performance.now() - this.#readySince
    if (byServer && !wire.owes && held >= idleAfter) this.#attempts = 0
    else if (held >= stableAfter) this.#attempts = 1
    if (!byServer || this.#attempts > 1) return
    this.#isExpected = true
    this.#waitTimer = new Timer(waitAfterLoss, () => {
      this.#blame("ETIMEDOUT", `not ready within ${waitAfterLoss} ms of a loss`)
      this.#down()
    }).unref()
  }

  /** There is no connection, or none was made. */
  #onLoss(): void {
    this.#attemptTimer?.stop()
    this.#watch.stop()
    this.#reauthentication.stop()
    if (this.#state === "Closed") return
    const wasReady = this.#state === "Ready"
    if (this.#isExpected) this.#become("Connecting")
    else this.#down()
    this.#isExpected = false
    if (wasReady) this.#options.onLost?.()
  }

  #down(): void {
    this.#waitTimer?.cancel()
    this.#become("Down")
    this.#failWaiters(({ operation }) => notConnected(this.circumstances(operation)))
  }

  #become(tag: LinkState["_tag"]): void {
    this.#state = tag
    this.wire = tag === "Ready" ? this.#wire : undefined
    this.#options.onState?.(tag === "Down" ? { _tag: tag, reason: this.#lastError } : { _tag: tag })
  }

  #failWaiters(error: (waiter: Waiter) => CommandError): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.fail(error(waiter))
  }

  #blame(code: string, message: string): void {
    this.#lastError = { name: "Error", message, code }
  }

  #retryDelay(): number {
    const { reconnectBase, reconnectMax } = this.#options.settings
    const delay = Math.min(reconnectBase * 2 ** Math.min(this.#attempts - 1, 30), reconnectMax)
    return delay * (0.8 + 0.4 * this.#options.random())
  }
}

const after = (millis: number): Promise<void> => new Promise((resolve) => void new Timer(millis, resolve).unref())

/** Waits for the link's connection. */
export const whenReady = (link: Link, operation: string): Effect.Effect<Wire, CommandError> =>
  Effect.callback((resume) => {
    const waiter: Waiter = {
      operation,
      ready: (wire) => resume(Exit.succeed(wire)),
      fail: (error) => resume(Exit.fail(error))
    }
    link.whenReady(waiter)
    return Effect.sync(() => link.stopWaiting(waiter))
  })
