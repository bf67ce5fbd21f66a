/**
 * Every option of iovalkey, set on purpose: its defaults queue commands while the server is down, run them twice
 * after a reconnect and wait for ever.
 */
import type { RedisOptions } from "iovalkey"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { atMostLongest } from "./Timer.ts"

/** Milliseconds that a half-closed socket may take before it is destroyed. */
export const disconnectTimeout = 100

export const iovalkeyOptions = (
  settings: ConnectionSettings,
  Connector: NonNullable<RedisOptions["Connector"]>
): RedisOptions => ({
  // When and where to connect is ours to say (Link.ts).
  Connector,
  retryStrategy: () => 0,
  // Tells iovalkey which event of the socket to wait for.
  ...(settings.tls === undefined ? {} : { tls: {} }),
  lazyConnect: true,
  // A command that cannot be written now is never sent later.
  enableOfflineQueue: false,
  // What is in flight when the connection breaks is settled then, and never sent again.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  // AUTH, SELECT and the ready check are ours (handshake.ts): iovalkey's print to the console, and run
  // commands in database 0 where the one asked for does not exist.
  enableReadyCheck: false,
  // It would count the time in which the event loop is blocked.
  connectTimeout: 0,
  disconnectTimeout,
  keepAlive: settings.keepAlive,
  noDelay: true,
  // Its first reconnect would insist on IPv6.
  familyFallback: { enabled: false },
  reconnectOnError: null,
  // It runs keys as commands and lets one bad command fail others.
  enableAutoPipelining: false,
  showFriendlyErrorStack: false,
  stringNumbers: false
})

/** What is different in a duplicate that a program makes: its sockets are its own, and so are its attempts. */
export const duplicateOptions = (
  { connectTimeout, reconnectBase, reconnectMax }: ConnectionSettings,
  Connector: NonNullable<RedisOptions["Connector"]>
): Partial<RedisOptions> => ({
  Connector,
  connectTimeout: atMostLongest(connectTimeout),
  retryStrategy: (attempt) => atMostLongest(Math.min(reconnectBase * 2 ** Math.min(attempt - 1, 30), reconnectMax))
})
