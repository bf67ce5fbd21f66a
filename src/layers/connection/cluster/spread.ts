/** Commands that concern several servers: split, sent to all of them together, and answered as one. */
import { Effect, Result } from "effect"
import { type CommandError, CacheInputError } from "../../../schema/CacheError.ts"
import { type Arg, type Reply, toWireArg } from "../../../schema/Command.ts"
import { amended, protocolError } from "../../../schema/failures.ts"
import type { PipelineResults } from "../../../services/ValkeyClient.ts"
import type { CommandRow, SpreadOverKeys, SpreadOverServers } from "../../commands/CommandRow.ts"
import type { RoutedCommand, SendAll, Spreading } from "../commands.ts"
import { slotOfKey } from "./slot.ts"

type Answer = PipelineResults[number]

/** A command in parts, each for one server. */
interface Plan {
  readonly parts: ReadonlyArray<RoutedCommand>
  readonly merge: (answers: ReadonlyArray<Answer>) => Answer
}

export interface SpreadOptions {
  /** All that hold keys. */
  readonly servers: Effect.Effect<ReadonlyArray<string>, CommandError>
  /** Failures of a server that count for nothing where another one has answered. Default: none. */
  readonly leavesOut?: (row: CommandRow, error: CommandError) => boolean
  /** The server of a slot, where one command may have keys of several slots. Default: each slot has commands of its own. */
  readonly serverOf?: (slot: number) => string | undefined
}

export const spreadOver = ({ leavesOut, serverOf, servers: all }: SpreadOptions): Spreading => ({
  concerns: ({ spread }, args) => spread !== undefined && (spread.over === "servers" || args.length > 1),

  pipeline: Effect.fnUntraced(function* (commands, rows, send) {
    const servers = rows.some(({ spread }) => spread?.over === "servers") ? yield* all : []
    const group = serverOf === undefined ? slotGroup : serverGroup(serverOf)
    const plans = commands.map((command, i) => {
      const row = rows[i]!
      const { spread } = row
      if (spread === undefined) return whole(command)
      if (spread.over === "keys") return planByKey(command, spread, group)
      return planByServer(command, spread, servers, (error) => leavesOut?.(row, error) === true)
    })
    const answers = yield* sendParts(
      send,
      plans.flatMap(({ parts }) => parts),
      plans.flatMap(({ parts }, i) => parts.map(() => rows[i]!))
    )
    let from = 0
    return plans.map(({ parts, merge }) => merge(answers.slice(from, (from += parts.length))))
  })
})

/** A slot that is being moved answers for several keys only while all are in one place; for each of them it answers always. */
const sendParts = Effect.fnUntraced(function* (
  send: SendAll,
  parts: ReadonlyArray<RoutedCommand>,
  rows: ReadonlyArray<CommandRow>
) {
  const answers = [...(yield* send(parts, rows))]
  const split = parts.flatMap((part, i) => {
    const row = rows[i]!
    return isSplitSlot(answers[i]!) && row.spread?.over === "keys"
      ? [{ i, row, plan: planByKey(part, row.spread, one) }]
      : []
  })
  if (split.length > 0) {
    const again = yield* send(
      split.flatMap(({ plan }) => plan.parts),
      split.flatMap(({ plan, row }) => plan.parts.map(() => row))
    )
    let from = 0
    for (const { i, plan } of split) answers[i] = plan.merge(again.slice(from, (from += plan.parts.length)))
  }
  return answers
})

const isSplitSlot = (answer: Answer): boolean =>
  Result.isFailure(answer) && answer.failure._tag === "CacheServerError" && answer.failure.code === "TRYAGAIN"

const whole = (command: RoutedCommand): Plan => ({ parts: [command], merge: ([answer]) => answer! })

const planByServer = (
  command: RoutedCommand,
  { merge, oneIsEnough }: SpreadOverServers,
  servers: ReadonlyArray<string>,
  isLeftOut: (error: CommandError) => boolean
): Plan => ({
  parts: servers.map((server) => ({ ...command, server })),
  merge: (answers) => {
    const success = answers.find(Result.isSuccess)
    if (success === undefined) return mergeAll(command.name, answers, merge)
    if (oneIsEnough === true) return success
    const counted = answers.filter((answer) => Result.isSuccess(answer) || !isLeftOut(answer.failure))
    return mergeAll(command.name, counted, merge)
  }
})

/** Which keys stay together, and on which server, where that is known. */
type Group = (key: Arg, index: number) => readonly [id: number | string, server: string | undefined]
const one: Group = (_, index) => [index, undefined]
const slotOf = (key: Arg) => slotOfKey(toWireArg(key) ?? "")
const slotGroup: Group = (key) => [slotOf(key), undefined]
const serverGroup =
  (serverOf: (slot: number) => string | undefined): Group =>
  (key) => {
    const slot = slotOf(key)
    const server = serverOf(slot)
    return [server ?? slot, server]
  }

const planByKey = (command: RoutedCommand, { merge, step }: SpreadOverKeys, group: Group): Plan => {
  const { args } = command
  if (args.length % step !== 0) return { parts: [], merge: () => Result.fail(oddArguments(command.name)) }
  const groups = new Map<number | string, { readonly server: string | undefined; readonly members: Array<number> }>()
  for (let i = 0; i < args.length / step; i++) {
    const [id, server] = group(args[i * step]!, i)
    const known = groups.get(id)
    if (known === undefined) groups.set(id, { server, members: [i] })
    else known.members.push(i)
  }
  const all = [...groups.values()]
  const positions = all.map(({ members }) => members)
  const part = (members: ReadonlyArray<number>, server = command.server): RoutedCommand => ({
    ...command,
    server,
    args: members.flatMap((i) => args.slice(i * step, (i + 1) * step))
  })
  return {
    parts: all.map(({ members, server }) => part(members, server)),
    merge: (answers) => mergeAll(command.name, answers, (replies) => merge(replies, positions))
  }
}

const oddArguments = (operation: string) =>
  new CacheInputError({ operation, reason: "each key needs a value after it" })

const mergeAll = (
  name: string,
  answers: ReadonlyArray<Answer>,
  merge: (replies: ReadonlyArray<Reply>) => Reply | undefined
): Answer => {
  const all = Result.all(answers)
  if (Result.isFailure(all)) {
    // That a server cannot be asked weighs more than what another has answered.
    const failures = answers.flatMap((answer) => (Result.isFailure(answer) ? [answer.failure] : []))
    const failure = failures.find(({ _tag }) => _tag !== "CacheServerError") ?? all.failure
    return Result.fail(answers.some(Result.isSuccess) ? amended(failure, { mayHaveExecuted: true }) : failure)
  }
  const reply = merge(all.success)
  return reply === undefined ? Result.fail(protocolError(name)) : Result.succeed(reply)
}
