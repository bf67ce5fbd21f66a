/** iovalkey's client over the sockets of a link, which is also the one that a program is given. */
import type { Redis, RedisOptions } from "iovalkey"
import type { Address, ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { guardedSocket } from "./guardedSocket.ts"
import type { Iovalkey } from "./iovalkey.ts"
import { duplicateOptions, iovalkeyOptions } from "./iovalkeyOptions.ts"
import { openSocket, type SocketSource, socketConnector } from "./socketConnector.ts"

export interface RawClientOptions {
  readonly settings: ConnectionSettings
  readonly address: Address | (() => Promise<Address>)
  readonly sockets: SocketSource
  /** Runs what writes a command of the program, in its turn among ours. */
  readonly write: <A>(write: () => A) => A
}

export const makeRawClient = (iovalkey: Iovalkey, options: RawClientOptions): Redis => {
  const client = new iovalkey.Redis(iovalkeyOptions(options.settings, socketConnector(iovalkey, options.sockets)))
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command, stream) => options.write(() => send(command, stream))
  const duplicate = client.duplicate.bind(client)
  client.duplicate = (override) => duplicate({ ...ownConnections(iovalkey, options), ...override })
  return client
}

/** What differs in clients that a program makes of this one: they are its own, and connect by themselves. */
const ownConnections = (iovalkey: Iovalkey, { address, settings }: RawClientOptions): Partial<RedisOptions> => {
  const next = async () => {
    const where = typeof address === "function" ? await address() : address
    return guardedSocket((onBytes) => openSocket(where, settings.tls, onBytes), settings.replyLimits)
  }
  return duplicateOptions(settings, socketConnector(iovalkey, { next, stop: () => {} }))
}
