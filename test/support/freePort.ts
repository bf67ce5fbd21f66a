/** Ports for servers that are told theirs. */
import { randomInt } from "node:crypto"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"

/**
 * A port at which nobody listens, and which no other test gets before this process has ended: between its choice and
 * the start of a server, and while that one is down, it would look free. The UDP port of the same number, which
 * nobody needs, stands for it. Below the ports that the system gives to outgoing connections.
 */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 1000; tries++) {
    const port = randomInt(10_000, 32_000)
    if ((await reserve(port)) && (await nobodyListens(port))) return port
  }
  throw new Error("A thousand ports from 10 000 to 32 000 were taken.")
}

const reserve = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4").unref()
    socket.once("error", () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(true))
  })

const nobodyListens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(false))
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)))
  })
