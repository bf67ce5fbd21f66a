/** The client that every cache operation ends in: one command, one deadline, one typed error. */
import { Context, type Duration, type Effect, type Fiber, type Result, type Scope, type Stream } from "effect"
import type { Cluster as IovalkeyCluster, Redis as Iovalkey } from "iovalkey"
import type { ClientState } from "../schema/ClientState.ts"
import type { CommandError } from "../schema/CacheError.ts"
import type { Arg, Command, KeyType, Reply, ReplyEncoding, Topology } from "../schema/Command.ts"
import type { Invalidation, TrackedReply, Tracking } from "../schema/Invalidation.ts"
import type { Script } from "../schema/Script.ts"

/**
 * The options of `send` and `request`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface SendOptions extends Pick<Command, "resendIf"> {
  /** `"utf8"` (default): bulk strings as text. `"buffer"`: as bytes. */
  readonly reply?: ReplyEncoding | undefined
  /** In place of the connection's `commandTimeout`, which is the default. */
  readonly timeout?: Duration.Input | undefined
  /**
   * Asked with what carries the command, each time before it is sent there: the connection, or the store in memory. Where it
   * says false, the command is not sent, and fails as one whose connection was lost. Default: it is always sent.
   */
  readonly sendIf?: ((carrier: object) => boolean) | undefined
}

/**
 * A message of a subscription.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface Message {
  /** The channel that it was published to. */
  readonly channel: string
  /** The text that was published. */
  readonly message: string
  /** Of a subscription to patterns: the pattern that the channel matches. */
  readonly pattern?: string | undefined
}

/**
 * The options of `subscription`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface SubscriptionOptions {
  /**
   * `"channel"` (default): channels by their names. `"pattern"`: globs over names of channels, `news.*`. `"sharded"`:
   * channels of SPUBLISH, whose messages in a cluster stay with the server of their slot; several need the same hash tag there.
   */
  readonly kind?: "channel" | "pattern" | "sharded" | undefined
}

/**
 * The options of `scanPage`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ScanPageOptions {
  /** Glob over whole keys. Default: all. */
  readonly match?: string | undefined
  /** Keys looked at in one round trip, a hint. Default 1 000. */
  readonly count?: number | undefined
  /** Only keys that hold this type. Default: all types. */
  readonly type?: KeyType | undefined
  /**
   * What becomes of a page of a server that cannot be reached while the client has several. `"fail"`: it fails as the command
   * does. `"passOver"`: it is empty, names the server, and its cursor is that of the next server. Default: `"fail"`.
   */
  readonly whenUnreachable?: "fail" | "passOver" | undefined
}

/**
 * Some keys, and the cursor of the next page; undefined where there is none.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ScanPage {
  /** The final keys that were found; it may be empty though others follow. */
  readonly keys: ReadonlyArray<string>
  /** The cursor of the next page; undefined where there is none. */
  readonly next: string | undefined
  /** The server that could not be reached and was passed over; undefined where the page was read, or with one server. */
  readonly unreachable?: string | undefined
}

/**
 * The options of `scan`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ScanOptions extends Omit<ScanPageOptions, "whenUnreachable"> {
  /**
   * Tells `ValkeyFallback` which scanned keys you will delete, so that it can repeat the deletion on the primary client. A
   * key that is not UTF-8 is shown to the function with U+FFFD in place of what is no text. Default: none of them.
   */
  readonly deletes?: ((key: string) => boolean) | undefined
}

/**
 * The options of `slowLog`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface SlowLogOptions {
  /** Commands of each node, at most: a whole number above zero. Default: 10. */
  readonly limit?: number | undefined
}

/**
 * A command that took long.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface SlowCommand {
  /** Its number, which each server counts by itself. */
  readonly id: number
  /** When it ended, in milliseconds since 1970 by the server's clock, which counts seconds here. */
  readonly at: number
  /** How long the server worked on it; what it waited for its turn is not counted. */
  readonly duration: Duration.Duration
  /** Its name and its arguments. The server cuts long ones, and leaves out those behind the 31st. */
  readonly command: ReadonlyArray<string>
  /** The address of the connection that sent it. */
  readonly client: string
  /** The name of the connection that sent it, which may be empty. */
  readonly clientName: string
}

/**
 * One result for each command of a pipeline.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type PipelineResults = ReadonlyArray<Result.Result<Reply, CommandError>>

/**
 * A connection that nobody else shares. Blocking commands may wait here as long as they ask to.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface DedicatedClient {
  /** One command on this connection, as the shared client's `send`. */
  readonly send: ValkeyClientShape["send"]
  /** Many commands on this connection in one write, as the shared client's `pipeline`. */
  readonly pipeline: ValkeyClientShape["pipeline"]
}

/**
 * Which changes a listener of `invalidations` is told of, and how the servers announce them.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface InvalidationOptions {
  /** What the final keys begin with. `""` is every key. */
  readonly prefixes: ReadonlyArray<string>
  /** Default `"broadcast"`. */
  readonly tracking?: Tracking | undefined
  /** A proof comes so often, or more often. Default: 500 milliseconds. */
  readonly heartbeat?: Duration.Input | undefined
}

/**
 * The options of `tracked`.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface TrackedOptions {
  /** How values are wanted. Default `"utf8"`. */
  readonly reply?: ReplyEncoding | undefined
  /** Whose announcements are to cover the reply. Default `"broadcast"`. */
  readonly tracking?: Tracking | undefined
  /**
   * Whether a key that holds something other than a value is null, as with MGET; else the read fails, as with GET. Several
   * keys are always read by MGET. Default: false.
   */
  readonly many?: boolean | undefined
  /** Whether the replies say the `era` of their server, which costs one INFO. Default: false. */
  readonly era?: boolean | undefined
  /**
   * Whether the replies are to be kept. False: they come without lifetimes and without a server, and are told of to those who
   * listen as what other commands read is. Default: true.
   */
  readonly keep?: boolean | undefined
}

/**
 * What a client knows of changes, whoever makes them.
 *
 * @since 0.2.0
 * @category near cache
 * @see docs/near-cache.md
 */
export interface Invalidations {
  /**
   * Tells of every change of keys under these prefixes until the scope closes. It opens a connection for this purpose alone to
   * each server that has keys, and all listeners of the client share it. `onEvent` is called synchronously, in the order of
   * the server's messages, and must not throw. Changes that this client makes are told when the command is sent and when it is
   * settled. It returns at once and never fails: where changes are not announced, the event `Down` says why.
   */
  readonly invalidations: (
    options: InvalidationOptions,
    onEvent: (event: Invalidation) => void
  ) => Effect.Effect<void, never, Scope.Scope>
  /**
   * The events of `invalidations` as a stream. A reader that is so slow that 4 096 events wait gets one `Everything` in place of
   * the changes that it missed. Ends when the client closes.
   */
  readonly changes: (prefixes: ReadonlyArray<string>) => Stream.Stream<Invalidation>
  /**
   * The values of these keys with their lifetimes, in one write to the primary: what is needed to keep them for as long as no
   * change is announced. It costs one PTTL for each key besides the GETs or the MGET. In a cluster the keys may have any slots.
   */
  readonly tracked: (
    keys: ReadonlyArray<string>,
    options?: TrackedOptions
  ) => Effect.Effect<ReadonlyArray<TrackedReply>, CommandError>
  /**
   * The milliseconds by which `sentAt` counts. They pass at least as fast as the machine's monotonic clock and its wall clock do;
   * in memory they are those of the caller's `Clock`.
   */
  readonly instant: (caller: Fiber.Fiber<unknown, unknown>) => number
}

/**
 * The connections to one server.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ServerConnections extends Pick<
  ValkeyClientShape,
  "subscription" | "subscribe" | "dedicated" | "raw" | "use"
> {
  /** "host:port", or the path of its socket. */
  readonly node: string
}

/**
 * What a client can do, whatever its topology. Operations fail with `CommandError` and are bounded by the command deadline.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface ValkeyClientShape extends Invalidations {
  /** What the client is connected to. */
  readonly topology: Topology
  /**
   * One command on the shared, multiplexed connection. Never queued while disconnected, and sent again only where a
   * server refused it unexecuted, or where it only reads; always bounded by the command deadline. Commands that would change or block the connection for
   * everybody (SUBSCRIBE, MULTI, BLPOP …) are refused with `CacheInputError`.
   */
  readonly send: (name: string, args: ReadonlyArray<Arg>, options?: SendOptions) => Effect.Effect<Reply, CommandError>
  /** `send`, and what to do with the reply, in one step of the fiber: for paths that are taken often. */
  readonly request: <A, E, R>(
    name: string,
    args: ReadonlyArray<Arg>,
    use: (reply: Reply) => Effect.Effect<A, E, R>,
    options?: SendOptions
  ) => Effect.Effect<A, E | CommandError, R>
  /** Many commands in one write; one result per command, a failing command does not fail its neighbours. */
  readonly pipeline: (commands: ReadonlyArray<Command>) => Effect.Effect<PipelineResults, CommandError>
  /** MULTI/EXEC. A command that is refused keeps all of them from running; one that fails while running does not undo the others, and the error says so. */
  readonly transaction: (commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<Reply>, CommandError>
  /** Runs a script by its SHA, loading it where the server lacks it. */
  readonly eval: (
    script: Script,
    keys: ReadonlyArray<string>,
    args: ReadonlyArray<Arg>
  ) => Effect.Effect<Reply, CommandError>
  /**
   * The keys of the database, page by page with SCAN, never with KEYS. A key that exists during the whole scan comes at least
   * once. Keys that are not UTF-8 are left out, because no text names them. Fails with phase `lost` where the connection of the
   * first page is lost before the last one: no other server process goes on with its cursor.
   */
  readonly scan: (options?: ScanOptions) => Stream.Stream<string, CommandError>
  /**
   * One page of a scan that goes on where the cursor says, in this process or another. Undefined begins. A page may be empty
   * though others follow. The cursor names a server of several: a key that moves to another server meanwhile, or whose server
   * restarts or fails over, may be missed. A client over two stores begins anew when the other one serves. Fails with
   * `CacheInputError` where the cursor is of no such client.
   */
  readonly scanPage: (cursor: string | undefined, options?: ScanPageOptions) => Effect.Effect<ScanPage, CommandError>
  /** As `scan`, and a key that is not UTF-8 comes as its bytes: for whoever deletes or counts all that there is. */
  readonly scanBinary: (options?: ScanOptions) => Stream.Stream<string | Buffer, CommandError>
  /**
   * Listens to channels until the scope closes, on a connection of its own. Done when the server has confirmed every channel:
   * what is published from then on is in the stream. Fails as a command does, and waits for the connection as one.
   *
   * The stream is read once. It fails with `CacheConnectionError`: phase `lost` when the connection breaks, when the slot of a
   * sharded channel moves (code SLOT_MOVED), or when more than 16 384 messages wait to be read (code OVERFLOW); phase `closed`
   * when the client's layer closes. Messages published meanwhile are gone, so nothing is resubscribed silently.
   */
  readonly subscription: (
    channels: string | ReadonlyArray<string>,
    options?: SubscriptionOptions
  ) => Effect.Effect<Stream.Stream<Message, CommandError>, CommandError, Scope.Scope>
  /** `subscription` to channels for the life of a stream, for programs that need not know when it begins to listen. */
  readonly subscribe: (channel: string, ...more: ReadonlyArray<string>) => Stream.Stream<Message, CommandError>
  /** A connection nobody else shares, for blocking commands and WATCH; from a bounded pool. */
  readonly dedicated: Effect.Effect<DedicatedClient, CommandError, Scope.Scope>
  /** The raw client, for anything this library does not wrap. Connects if needed; none in the memory topology. */
  readonly raw: Effect.Effect<Iovalkey | IovalkeyCluster, CommandError>
  /** Runs a function of the raw client under the command deadline; what it rejects with becomes a typed error where it is the client's. */
  readonly use: <A>(f: (client: Iovalkey | IovalkeyCluster) => PromiseLike<A>) => Effect.Effect<A, CommandError>
  /** It sends nothing, and caches over it hold nothing. Default: false. */
  readonly isDisabled?: true | undefined
  /**
   * Only in a ring: the connections to the server that the key belongs to, whether it is up or down. For its raw client,
   * which a ring has not, and for channels on which scripts publish beside the key: `subscribe` of a ring listens to the
   * server that the channel's name belongs to.
   */
  readonly serverOf?: ((key: string) => ServerConnections) | undefined
  /** How the connections are. */
  readonly state: Effect.Effect<ClientState>
  /** The state now, then each new one; ends when the client closes. */
  readonly states: Stream.Stream<ClientState>
  /**
   * One command on each server that has keys, and what each answers, by "host:port". It is for commands about the server: CONFIG GET,
   * CLIENT LIST. A server that refuses or cannot be reached has its failure there and does not keep the others from
   * answering. Replicas are not asked; in memory nobody is. It fails only where the servers are not known. One round trip.
   */
  readonly sendToEach: (
    name: string,
    args: ReadonlyArray<Arg>,
    options?: SendOptions
  ) => Effect.Effect<ReadonlyMap<string, Result.Result<Reply, CommandError>>, CommandError>
  /** INFO of every node, by "host:port". */
  readonly info: (section?: string) => Effect.Effect<ReadonlyMap<string, ReadonlyMap<string, string>>, CommandError>
  /**
   * The slowest commands that each node remembers, by "host:port", the newest first: SLOWLOG GET. What is slow is a setting
   * of the server, `slowlog-log-slower-than`. The commands have their arguments, keys and values among them: show them to
   * nobody who may not read the cache. In memory it fails with `CacheUnsupportedError`.
   */
  readonly slowLog: (
    options?: SlowLogOptions
  ) => Effect.Effect<ReadonlyMap<string, ReadonlyArray<SlowCommand>>, CommandError>
}

/**
 * The client of a program as a service. The layers of topologies provide it, and caches are built over it.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { ValkeyClient, ValkeyMemory } from "effect-vcache"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* ValkeyClient
 *   yield* client.send("SETRANGE", ["greeting", 0, "hello"])
 *   return yield* client.send("GET", ["greeting"])
 * })
 * console.log(Effect.runSync(Effect.provide(program, ValkeyMemory.layer())))
 * // => hello
 * ```
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export class ValkeyClient extends Context.Service<ValkeyClient, ValkeyClientShape>()("effect-vcache/ValkeyClient") {}
