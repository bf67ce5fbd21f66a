/** A relay that breaks the order on purpose: now and then two requests, or two replies, change places. */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { listen } from "./listen.ts"
import { framesOf } from "./resp.ts"

export interface SwappingProxy {
  readonly url: string
  /** How often two frames have changed places. */
  readonly swapped: () => number
}

export interface SwappingOptions {
  readonly targetPort: number
  /** Requests: as if a writer had overtaken another. Replies: as if the server had mixed them up. */
  readonly of: "requests" | "replies"
  /** The frames of a connection that stay as they are, such as those of its handshake. Default 20. */
  readonly after?: number | undefined
  /** Every so many frames. Default 50. */
  readonly every?: number | undefined
  /** Which neighbours may change places. Default: any two that differ. */
  readonly mayChange?: ((first: Buffer, second: Buffer) => boolean) | undefined
}

export const startSwappingProxy = (options: SwappingOptions): Effect.Effect<SwappingProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { after = 20, every = 50, mayChange = () => true, of, targetPort } = options
    const sockets = new Set<Socket>()
    let swapped = 0

    /** Passes on whole frames only, so that no two halves are mixed. */
    const swapping = (to: Socket) => {
      let rest: Buffer = Buffer.alloc(0)
      let passed = 0
      let due = after
      return (data: Buffer) => {
        const parsed = framesOf(Buffer.concat([rest, data]))
        rest = parsed.rest
        const frames = [...parsed.frames]
        for (let i = 0; i + 1 < frames.length; i++) {
          const [first, second] = [frames[i]!, frames[i + 1]!]
          if (passed + i < due || first.equals(second) || !mayChange(first, second)) continue
          frames[i] = second
          frames[i + 1] = first
          due = passed + i + every
          swapped++
        }
        passed += frames.length
        if (frames.length > 0) to.write(Buffer.concat(frames))
      }
    }

    const server = createServer((client) => {
      const upstream = connect(targetPort, "127.0.0.1")
      for (const socket of [client, upstream]) {
        sockets.add(socket)
        socket.setNoDelay(true)
        socket.on("error", () => {})
      }
      client.on("data", of === "requests" ? swapping(upstream) : (data) => upstream.write(data))
      upstream.on("data", of === "replies" ? swapping(client) : (data) => client.write(data))
      const end = () => {
        client.destroy()
        upstream.destroy()
        sockets.delete(client)
        sockets.delete(upstream)
      }
      client.on("close", end)
      upstream.on("close", end)
    })
    const port = yield* listen(server, sockets)
    return { url: `valkey://127.0.0.1:${port}`, swapped: () => swapped }
  })
