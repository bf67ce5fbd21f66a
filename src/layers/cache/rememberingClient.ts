/** A client whose reads of values are remembered by `CacheMemo.scope`. Where no scope is open it is the client that it is made of. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { type Arg, type Command, type Reply, toWireArg } from "../../schema/Command.ts"
import { protocolError } from "../../schema/failures.ts"
import { isValueReply, type Stored } from "../../schema/frame.ts"
import { CurrentMemo, Memo } from "../../services/Memo.ts"
import type { SendOptions, ValkeyClientShape } from "../../services/ValkeyClient.ts"
import { keysOf } from "../commands/CommandRow.ts"
import { rowOf } from "../commands/commandTable.ts"
import { inForm, type Read, RememberedReads } from "./RememberedReads.ts"

const made = new WeakMap<ValkeyClientShape, ValkeyClientShape>()

/** One of each client, so that caches over one client see what the others write. */
export const rememberingClient = (client: ValkeyClientShape): ValkeyClientShape => {
  const known = made.get(client)
  if (known !== undefined) return known
  const remembering = make(client)
  made.set(client, remembering)
  // It is a client itself.
  made.set(remembering, remembering)
  return remembering
}

type NamedCommand = Pick<Command, "name" | "args">

const make = (client: ValkeyClientShape): ValkeyClientShape => {
  const reads = new RememberedReads()

  /** The keys that the commands change; undefined = any. */
  const changedBy = (commands: ReadonlyArray<NamedCommand>): ReadonlyArray<string> | undefined => {
    const keys: Array<string> = []
    for (const { args, name } of commands) {
      const row = rowOf(name, args)
      if (row.everyKey === true) return undefined
      if (!row.changes) continue
      const wire = args.map((arg) => toWireArg(arg) ?? "")
      for (const key of keysOf(row, wire)) keys.push(String(key))
    }
    return keys
  }

  const forget = (keys: ReadonlyArray<string> | undefined): void => {
    if (keys === undefined) reads.forgetAll()
    else for (const key of keys) reads.forget(key)
  }

  /** What is read while a write is under way may be older than the write. */
  const changing = <A, E, R>(
    keysOfIt: () => ReadonlyArray<string> | undefined,
    write: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (!Memo.isUsed) return write
      const keys = keysOfIt()
      if (keys?.length === 0) return write
      forget(keys)
      return Effect.ensuring(
        write,
        Effect.sync(() => forget(keys))
      )
    })

  /** In order; what is not remembered is asked for in one command. */
  const readAll = (
    memo: Memo,
    name: string,
    keys: ReadonlyArray<string>,
    options: SendOptions | undefined
  ): Effect.Effect<ReadonlyArray<Stored | null>, CommandError> =>
    // Whoever is interrupted tells those who wait for what it asked.
    Effect.uninterruptibleMask((restore) => {
      const wanted = options?.reply ?? "utf8"
      const found: Array<Stored | null | undefined> = []
      const joined: Array<readonly [number, Read]> = []
      const asked = new Map<string, Read>()
      keys.forEach((key, i) => {
        const known = asked.get(key) ?? reads.find(memo, key)
        if (known?.isUnderWay === true) return void joined.push([i, known])
        const reply = known?.reply === undefined ? undefined : inForm(known.reply, wanted)
        if (reply !== undefined) return void (found[i] = reply)
        const read = reads.begin(memo, key)
        asked.set(key, read)
        joined.push([i, read])
      })
      const ask = asked.size === 0 ? Effect.void : askFor(memo, name, asked, options, restore)
      const joining = restore(
        Effect.forEach(
          joined,
          ([i, read]) =>
            Effect.flatMap(read.ended, () => {
              const reply = read.reply === undefined ? undefined : inForm(read.reply, wanted)
              if (reply !== undefined) return Effect.sync(() => void (found[i] = reply))
              // Whoever read it was interrupted, or wanted it in another form.
              return Effect.map(readAll(memo, name, [keys[i]!], options), ([again = null]) => void (found[i] = again))
            }),
          { discard: true }
        )
      )
      const inOrder = () => keys.map((_, i) => found[i] ?? null)
      return joined.length === 0 ? Exit.succeed(inOrder()) : Effect.map(Effect.andThen(ask, joining), inOrder)
    })

  const askFor = (
    memo: Memo,
    name: string,
    asked: ReadonlyMap<string, Read>,
    options: SendOptions | undefined,
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ): Effect.Effect<void, CommandError> => {
    const give = (replies: ReadonlyArray<Reply>) => {
      let i = 0
      for (const [key, read] of asked) {
        const reply = replies[i++]
        if (!isValueReply(reply)) return Exit.fail(protocolError(name))
        reads.end(memo, key, read, reply)
      }
      return Exit.void
    }
    const sent = client.request(
      name,
      [...asked.keys()],
      (reply) => give(name === "GET" ? [reply] : Array.isArray(reply) ? reply : []),
      options
    )
    return Effect.onExit(restore(sent), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) return
        for (const [key, read] of asked) if (read.isUnderWay) reads.end(memo, key, read, undefined)
      })
    )
  }

  const request: ValkeyClientShape["request"] = (name, args, use, options) => {
    const sent = client.request(name, args, use, options)
    const isMany = name === "MGET"
    if (!isMany && name !== "GET") return changing(() => changedBy([{ name, args }]), sent)
    return Effect.suspend(() => {
      if (!Memo.isUsed || !areTexts(args) || args.length === 0) return sent
      return Effect.withFiber((fiber) => {
        const memo = fiber.getRef(CurrentMemo)
        if (memo === undefined || memo.isOver) return sent
        return Effect.flatMap(readAll(memo, name, args, options), (replies) => use(isMany ? replies : replies[0]!))
      })
    })
  }

  const pipelineOf =
    (over: ValkeyClientShape["pipeline"]): ValkeyClientShape["pipeline"] =>
    (commands) =>
      changing(() => changedBy(commands), over(commands))

  return {
    ...client,
    request,
    send: (name, args, options) => request(name, args, Exit.succeed, options),
    pipeline: (commands) =>
      Effect.suspend(() =>
        // The parts of a large batch, which go out in one turn all the same.
        Memo.isUsed && commands.every(({ name }) => name === "MGET")
          ? Effect.forEach(
              commands,
              ({ args, name, reply }) => Effect.result(request(name, args, Exit.succeed, { reply })),
              { concurrency: "unbounded" }
            )
          : pipelineOf(client.pipeline)(commands)
      ),
    transaction: (commands) => changing(() => changedBy(commands), client.transaction(commands)),
    eval: (script, keys, args) => changing(() => keys, client.eval(script, keys, args)),
    dedicated: Effect.map(client.dedicated, (own) => ({
      send: (name, args, options) => changing(() => changedBy([{ name, args }]), own.send(name, args, options)),
      pipeline: pipelineOf(own.pipeline)
    }))
  }
}

const areTexts = (args: ReadonlyArray<Arg>): args is ReadonlyArray<string> =>
  args.every((arg) => typeof arg === "string")
