/** A server that answers rightly until it does not: what it sends instead, and when, its dice decide. */
import { createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { Dice } from "./Dice.ts"
import { distortions } from "./distortions.ts"
import { type Respond, type Role, responder, type ValueOf } from "./fuzzedReplies.ts"
import { reset } from "./reset.ts"
import { listen } from "./listen.ts"
import { framesOf, wordsOf } from "./resp.ts"

/** What one exchange with clients is made of. */
export interface Exchange {
  readonly seed: string
  readonly role: Role
  readonly valueOf: ValueOf
  /** In place of a right one, on a connection whose bytes have made no sense before. */
  readonly poison: string
  /** What was sent, for who wants to know. */
  readonly sent?: ((server: string, bytes: string) => void) | undefined
}

const kinds = Object.keys(distortions)

export class FuzzedServer {
  port = 0
  /** Connections that came since the exchange began. */
  connections = 0
  commands = 0
  /** Whether every connection of the exchange has had each command answered with its own reply, or not at all. */
  isInOrder = true
  /** How often each kind of reply was sent. */
  readonly kinds: Record<string, number> = {}
  readonly #sockets = new Set<Socket>()
  #exchange: Exchange | undefined

  static readonly start: Effect.Effect<FuzzedServer, never, Scope.Scope> = Effect.suspend(() => {
    const server = new FuzzedServer()
    const listening = listen(
      createServer((socket) => server.#onConnection(socket)),
      server.#sockets
    )
    return Effect.map(listening, (port) => Object.assign(server, { port }))
  })

  begin(exchange: Exchange): void {
    this.#exchange = exchange
    this.connections = 0
    this.commands = 0
    this.isInOrder = true
  }

  end(): void {
    this.#exchange = undefined
    for (const socket of this.#sockets) reset(socket)
  }

  #onConnection(socket: Socket): void {
    const exchange = this.#exchange
    socket.on("error", () => {})
    if (exchange === undefined) return void socket.destroy()
    this.#sockets.add(socket)
    socket.on("close", () => this.#sockets.delete(socket))
    socket.setNoDelay(true)
    const dice = new Dice(`${exchange.seed}/${this.connections++}`)
    const answering = new FuzzedConnection(exchange, dice, this)
    let rest: Buffer = Buffer.alloc(0)
    socket.on("data", (data: Buffer) => {
      const parsed = framesOf(Buffer.concat([rest, data]))
      rest = parsed.rest
      this.commands += parsed.frames.length
      let bytes = ""
      for (const frame of parsed.frames) bytes += answering.answer(wordsOf(frame))
      exchange.sent?.(`${this.port}`, bytes)
      write(socket, Buffer.from(bytes, "latin1"), dice)
      if (answering.closes) socket.end()
    })
  }
}

/** In one piece or in several. */
const write = (socket: Socket, bytes: Buffer, dice: Dice): void => {
  if (bytes.length === 0 || !socket.writable) return
  const parts = dice.chance(0.7) ? 1 : 1 + dice.below(Math.min(bytes.length, 10))
  let at = 0
  for (let left = parts; left > 1; left--) {
    const end = at + dice.below(bytes.length - at)
    socket.write(bytes.subarray(at, end))
    at = end
  }
  socket.write(bytes.subarray(at))
}

class FuzzedConnection {
  closes = false
  readonly #dice: Dice
  readonly #server: FuzzedServer
  readonly #poisoned: Respond
  #respond: Respond
  /** Replies that stay right at first. */
  #calm: number
  readonly #rate: number
  #isSilent = false
  readonly #isCluster: boolean
  #checksKinds = true
  /** No reply was one too many, or missing. */
  #isInOrder = true
  /** No bytes were taken for the rest of those before. */
  #isAligned = true

  constructor(exchange: Exchange, dice: Dice, server: FuzzedServer) {
    this.#dice = dice
    this.#server = server
    this.#isCluster = exchange.role.kind === "cluster"
    this.#respond = responder(exchange.role, exchange.valueOf)
    this.#poisoned = responder(exchange.role, () => exchange.poison)
    this.#calm = dice.chance(0.1) ? 0 : 1 + dice.below(20)
    this.#rate = dice.pick([0, 0.05, 0.2, 1])
  }

  answer(words: ReadonlyArray<string>): string {
    // iovalkey's own cluster client asks for it first. Nobody compares its replies with its commands.
    if (this.#isCluster && words[0]?.toUpperCase() === "INFO") this.#checksKinds = false
    const reply = this.#respond(words)
    if (this.#isSilent || this.closes) return ""
    if (reply === "") return ""
    const isDue = --this.#calm < 0 && this.#dice.chance(this.#rate)
    const chosen = isDue ? this.#dice.pick(kinds) : "right"
    const made = distortions[chosen]!.make(reply, this.#dice, (words[0] ?? "").toUpperCase())
    const kind = made === undefined ? "right" : chosen
    const { next, order, swallows } = distortions[kind]!
    this.#server.kinds[kind] = (this.#server.kinds[kind] ?? 0) + 1
    // Where replies have shifted before, it may be the right one for another command.
    if (order === "mistyped" && this.#checksKinds && this.#isInOrder && this.#isAligned) this.#respond = this.#poisoned
    if (order === "broken" && this.#isAligned) this.#respond = this.#poisoned
    if (order !== "kept") this.#isInOrder = this.#server.isInOrder = false
    if (swallows) this.#isAligned = false
    if (next === "close") this.closes = true
    if (next === "falls silent") this.#isSilent = true
    return made ?? reply
  }
}
