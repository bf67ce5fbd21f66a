/** How iovalkey gets its sockets from a `Link`, which knows when to try and where. */
import { connect as connectTcp, isIP, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Redacted } from "effect"
import type { RedisOptions } from "iovalkey"
import type { Address, TlsSettings } from "../../schema/ConnectionOptions.ts"
import { reveal } from "../../schema/reveal.ts"
import { NoConnection } from "./ConnectionFailure.ts"
import type { Iovalkey } from "./iovalkey.ts"
import { disconnectTimeout } from "./iovalkeyOptions.ts"
import type { OnBytes } from "./Wire.ts"

export interface SocketSource {
  /** Waits until it is time for an attempt, then opens a socket. Rejects only when there will be none any more. */
  readonly next: (options: unknown) => Promise<Socket>
  /** Nobody waits for a socket any more. */
  readonly stop: () => void
}

/** A class of connectors, which iovalkey instantiates itself. */
export const socketConnector = (
  { AbstractConnector }: Iovalkey,
  { next, stop }: SocketSource
): NonNullable<RedisOptions["Connector"]> =>
  class SocketConnector extends AbstractConnector {
    readonly #options: unknown

    constructor(options: unknown) {
      super(disconnectTimeout)
      this.#options = options
    }

    override async connect(): Promise<Socket> {
      this.connecting = true
      const socket = await next(this.#options)
      // It may fail before iovalkey listens.
      socket.once("error", (error) => (this.firstError = error))
      this.stream = socket
      return socket
    }

    override disconnect(): void {
      stop()
      super.disconnect()
    }
  }

/** As large as the reads of Node's own streams. */
const bufferSize = 65_536

/**
 * What comes is given to `onBytes`, and to nobody who listens to the socket: iovalkey does, and would read it as well.
 * Throws where TLS material cannot be read.
 */
export const openSocket = (address: Address, tls: TlsSettings | undefined, onBytes: OnBytes): Socket => {
  const buffer = Buffer.allocUnsafeSlow(bufferSize)
  const onread = {
    buffer,
    callback: (length: number) => {
      onBytes(buffer, length)
      return true
    }
  }
  const where = "path" in address ? { path: address.path } : { host: address.host, port: address.port, family: 0 }
  const options = { ...where, onread }
  return tls === undefined ? connectTcp(options) : connectTls({ ...options, ...tlsOptions(tls, address) })
}

const tlsOptions = ({ ca, cert, key, rejectUnauthorized, ...tls }: TlsSettings, address: Address) => {
  const servername = tls.servername ?? nameOf(address)
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: keyOf(key) }),
    ...(servername === undefined ? {} : { servername })
  }
}

const keyOf = (key: Redacted.Redacted): string => {
  const text = reveal(key)
  if (text === undefined) throw new NoConnection("CREDENTIALS", "the key for TLS was wiped")
  return text
}

/** What SNI tells the server, which Node does not say by itself. An IP address is no name. */
const nameOf = (address: Address): string | undefined =>
  "path" in address || isIP(address.host) > 0 ? undefined : address.host.replace(/\.$/, "")
