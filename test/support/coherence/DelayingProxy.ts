/**
 * A relay between one process and its server that delays what passes, in order, and tells the connection of announcements from
 * the others by what is asked on it.
 */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { listen } from "../listen.ts"

type Line = "data" | "channel"

/** What passes in one direction, in order: timers of Node's do not keep theirs. */
class Queue {
  readonly #to: Socket
  readonly #waiting: Array<readonly [at: number, data: Buffer]> = []
  #timer: NodeJS.Timeout | undefined

  constructor(to: Socket) {
    this.#to = to
  }

  pass(data: Buffer, delay: number): void {
    const instant = performance.now()
    if (delay === 0 && this.#waiting.length === 0) return void this.#to.write(data)
    this.#waiting.push([Math.max(instant + delay, this.#waiting.at(-1)?.[0] ?? 0), data])
    this.#timer ??= this.#next()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #next(): NodeJS.Timeout | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    return setTimeout(
      () => {
        const instant = performance.now()
        while (this.#waiting.length > 0 && this.#waiting[0]![0] <= instant) this.#to.write(this.#waiting.shift()![1])
        this.#timer = this.#next()
      },
      Math.max(0, first[0] - performance.now())
    )
  }
}

class Relay {
  line: Line = "data"
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #up: Queue
  readonly #down: Queue
  readonly #proxy: DelayingProxy

  constructor(proxy: DelayingProxy, client: Socket, port: number) {
    this.#proxy = proxy
    this.#client = client
    this.#upstream = connect(port, "127.0.0.1")
    this.#up = new Queue(this.#upstream)
    this.#down = new Queue(client)
    for (const socket of [client, this.#upstream]) {
      socket.setNoDelay(true)
      socket.on("error", () => {})
      socket.on("close", () => this.end())
    }
    client.on("data", (data: Buffer) => {
      if (data.includes("__redis__:invalidate")) this.line = "channel"
      if (!this.#isLost) this.#up.pass(data, 0)
    })
    this.#upstream.on("data", (data: Buffer) => {
      if (!this.#isLost) this.#down.pass(data, this.#proxy.delays[this.line])
    })
  }

  end(): void {
    this.#up.stop()
    this.#down.stop()
    this.#client.destroy()
    this.#upstream.destroy()
    this.#proxy.relays.delete(this)
  }

  /** A half-open connection takes everything and gives nothing. */
  get #isLost(): boolean {
    return this.line === "channel" && this.#proxy.isHalfOpen
  }
}

export class DelayingProxy {
  port = 0
  target: number
  readonly relays = new Set<Relay>()
  /** Milliseconds that what the server says takes. */
  readonly delays: Record<Line, number> = { data: 0, channel: 0 }
  isHalfOpen = false
  /** Nobody can connect. */
  isClosed = false

  constructor(target: number) {
    this.target = target
  }

  get url(): string {
    return `valkey://127.0.0.1:${this.port}`
  }

  /** Ends the connections of that kind. */
  kill(line: Line): void {
    for (const relay of this.relays) if (relay.line === line) relay.end()
  }

  accept(client: Socket): void {
    if (this.isClosed) return void client.destroy()
    this.relays.add(new Relay(this, client, this.target))
  }
}

export const startDelayingProxy = (target: number): Effect.Effect<DelayingProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const proxy = new DelayingProxy(target)
    const sockets = new Set<Socket>()
    const server = createServer((client) => {
      sockets.add(client)
      client.on("close", () => sockets.delete(client))
      proxy.accept(client)
    })
    proxy.port = yield* listen(server, sockets)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const relay of proxy.relays) relay.end()
      })
    )
    return proxy
  })
