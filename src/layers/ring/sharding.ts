/** Commands over several clients, each of which has some of the keys. */
import { Effect, Exit, Result } from "effect"
import { type CommandError, CacheUnsupportedError, isCacheError } from "../../schema/CacheError.ts"
import { type Arg, type Command, type Reply, toWireArg, type WireArg } from "../../schema/Command.ts"
import type { DedicatedClient, PipelineResults, SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import { rowOf } from "../commands/commandTable.ts"
import { acrossSlots, slotOfCommand, slotOfCommands, slotOfKeys } from "../connection/cluster/slot.ts"
import { inParts, type RoutedCommand, type SendAll, type Spreading } from "../connection/commands.ts"

/** A command with its row, its key's server not yet known. */
export interface Call {
  readonly row: CommandRow
  readonly name: string
  readonly args: ReadonlyArray<Arg>
  /** The only server that may carry it. */
  readonly server?: string | undefined
}

/** Which client carries a command, or why none can. */
export type Choose<C> = (call: Call) => C | CommandError

export interface Sharding<C> {
  readonly choose: Choose<C>
  readonly spread: Spreading
}

/** The clients of servers by what they have. */
export interface Shards<C> {
  readonly ofSlot: (slot: number, operation: string) => C | CommandError
  /** For what any server can answer. */
  readonly anyServer: (operation: string) => C | CommandError
  readonly named: (server: string, row: CommandRow) => C | CommandError
}

/** By the slot of its keys. */
export const chooseBySlot =
  <C>({ anyServer, named, ofSlot }: Shards<C>): Choose<C> =>
  (call) => {
    if (call.server !== undefined) return named(call.server, call.row)
    const slot = slotOfCall(call)
    if (slot === "several") return acrossSlots(call.name, "ring")
    if (slot !== "none") return ofSlot(slot, call.name)
    return call.row.cursor === true ? cursorOfOne(call.name) : anyServer(call.name)
  }

export const slotOfCall = ({ args, row }: Call): number | "none" | "several" => slotOfCommand(row, wireArgs(args))

// What cannot be sent is refused by whichever client is asked to.
const wireArgs = (args: ReadonlyArray<Arg>): ReadonlyArray<WireArg> =>
  args.every((arg) => typeof arg === "string") ? args : args.map((arg) => toWireArg(arg) ?? "")

const cursorOfOne = (operation: string): CacheUnsupportedError =>
  new CacheUnsupportedError({
    operation,
    topology: "ring",
    reason: "a cursor belongs to one server; use `client.scan`"
  })

/** Commands that may be sent together or alone. */
export const shardedCommands = <C extends DedicatedClient>({ choose, spread }: Sharding<C>) => {
  const sendAll: SendAll = (commands, rows) => {
    const answers: Array<PipelineResults[number] | undefined> = commands.map(() => undefined)
    const shares = new Map<C, Array<number>>()
    commands.forEach((command, i) => {
      const client = choose({ ...command, row: rows[i]! })
      if (isCacheError(client)) {
        answers[i] = Result.fail(client)
        return
      }
      const share = shares.get(client)
      if (share === undefined) shares.set(client, [i])
      else share.push(i)
    })
    const sent = Effect.forEach(
      shares,
      ([client, share]) =>
        Effect.match(client.pipeline(share.map((i) => unbound(commands[i]!))), {
          onFailure: (error) => share.forEach((i) => (answers[i] = Result.fail(error))),
          onSuccess: (results) => share.forEach((i, at) => (answers[i] = results[at]))
        }),
      { concurrency: "unbounded", discard: true }
    )
    return Effect.map(sent, () => answers.map((answer) => answer ?? Result.succeed(null)))
  }

  const pipeline = (commands: ReadonlyArray<Command>): Effect.Effect<PipelineResults, CommandError> =>
    Effect.suspend(() => {
      const rows = commands.map(({ args, name }) => rowOf(name, args))
      return commands.some(({ args }, i) => spread.concerns(rows[i]!, args))
        ? spread.pipeline(commands, rows, sendAll)
        : sendAll(commands, rows)
    })

  /** `whole`: by the client that has all its keys; `use`: what becomes of the answer of several. */
  const carry = <A, E, R>(
    call: Call,
    options: SendOptions | undefined,
    whole: (client: C) => Effect.Effect<A, E | CommandError, R>,
    use: (reply: Reply) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | CommandError, R> => {
    const { args, name, row } = call
    if (spread.concerns(row, args))
      return Effect.flatMap(inParts(spread, { name, args, ...options }, row, sendAll), use)
    const client = choose(call)
    return isCacheError(client) ? Exit.fail(client) : whole(client)
  }

  const send: DedicatedClient["send"] = (name, args, options) =>
    Effect.suspend(() =>
      carry({ row: rowOf(name, args), name, args }, options, (client) => client.send(name, args, options), Exit.succeed)
    )

  return { send, pipeline, carry }
}

/** The server has been chosen; who carries it has servers of its own. */
const unbound = (command: RoutedCommand): RoutedCommand =>
  command.server === undefined ? command : { ...command, server: undefined }

/** All that a client does with keys. */
export const shardedClient = (
  shards: Shards<ValkeyClientShape>,
  spread: Spreading
): Pick<ValkeyClientShape, "send" | "request" | "pipeline" | "transaction" | "eval"> => {
  const choose = chooseBySlot(shards)
  const { carry, pipeline, send } = shardedCommands({ choose, spread })

  /** By the client of a slot that several keys are in. */
  const at = <A>(
    operation: string,
    slot: number | "none" | "several",
    run: (client: ValkeyClientShape) => Effect.Effect<A, CommandError>
  ): Effect.Effect<A, CommandError> => {
    if (slot === "several") return Exit.fail(acrossSlots(operation, "ring"))
    const client = slot === "none" ? shards.anyServer(operation) : shards.ofSlot(slot, operation)
    return isCacheError(client) ? Exit.fail(client) : run(client)
  }

  return {
    send,
    pipeline,
    request: (name, args, use, options) =>
      carry({ row: rowOf(name, args), name, args }, options, (client) => client.request(name, args, use, options), use),
    transaction: (commands) =>
      Effect.suspend(() => {
        const calls = commands.map(({ args, name }) => ({ row: rowOf(name, args), args: wireArgs(args) }))
        // Whoever listens to a channel listens to its server.
        return at(
          "EXEC",
          slotOfCommands(calls, () => true),
          (client) => client.transaction(commands)
        )
      }),
    eval: (script, keys, args) =>
      Effect.suspend(() => at(script.name, slotOfKeys(keys), (client) => client.eval(script, keys, args)))
  }
}
