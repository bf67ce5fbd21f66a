/** A server that says what a test wants: it parses commands and answers with whatever bytes a function gives. */
import { createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { listen } from "./listen.ts"

/** The bytes to answer with; undefined = nothing. */
export type Answer = (command: ReadonlyArray<string>, socket: Socket) => string | undefined

export interface FakeServer {
  readonly port: number
  readonly url: string
  /** Every command received, in order. */
  readonly commands: Array<ReadonlyArray<string>>
}

/** Answers the handshake as a server does, and every other command by `answer`. */
export const startFake = (answer: Answer): Effect.Effect<FakeServer, never, Scope.Scope> =>
  startRaw((command, socket) => (command[0] === "PING" ? pong(command) : answer(command, socket)))

/** What a server answers PING with. */
export const pong = ([, word]: ReadonlyArray<string>): string =>
  word === undefined ? "+PONG\r\n" : `$${word.length}\r\n${word}\r\n`

/** Answers everything by `answer`. */
export const startRaw = (answer: Answer): Effect.Effect<FakeServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const commands: Array<ReadonlyArray<string>> = []
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => sockets.delete(socket))
      let input = ""
      socket.on("data", (data) => {
        input += data.toString("latin1")
        for (;;) {
          const parsed = parseCommand(input)
          if (parsed === undefined) return
          input = parsed.rest
          commands.push(parsed.command)
          const reply = answer(parsed.command, socket)
          if (reply !== undefined && socket.writable) socket.write(reply)
        }
      })
    })
    const port = yield* listen(server, sockets)
    return { port, url: `valkey://127.0.0.1:${port}`, commands }
  })

const parseCommand = (
  input: string
): { readonly command: ReadonlyArray<string>; readonly rest: string } | undefined => {
  const head = /^\*(\d+)\r\n/.exec(input)
  if (head === null) return undefined
  let at = head[0].length
  const command: Array<string> = []
  for (let i = 0; i < Number(head[1]); i++) {
    const length = /^\$(\d+)\r\n/.exec(input.slice(at, at + 20))
    if (length === null) return undefined
    const start = at + length[0].length
    const end = start + Number(length[1])
    if (input.length < end + 2) return undefined
    command.push(input.slice(start, end))
    at = end + 2
  }
  return { command, rest: input.slice(at) }
}
