/** Commands that concern several servers: split, sent to all of them together, and answered as one. */
import { Effect, Result } from "effect"
import { type CommandError, CacheInputError } from "../../../schema/CacheError.ts"
import { type Arg, type Reply, toWireArg } from "../../../schema/Command.ts"
import { amended, protocolError } from "../../../schema/failures.ts"
import type { PipelineResults } from "../../../services/ValkeyClient.ts"
import type { CommandRow, SpreadOverKeys } from "../../commands/CommandRow.ts"
import type { RoutedCommand, SendAll, Spreading } from "../commands.ts"
import { slotOfKey } from "./slot.ts"

type Answer = PipelineResults[number]

/** A command in parts, each for one server. */
interface Plan {
  readonly parts: ReadonlyArray<RoutedCommand>
  readonly merge: (answers: ReadonlyArray<Answer>) => Answer
}

export const spreadOver = (primaries: Effect.Effect<ReadonlyArray<string>, CommandError>): Spreading => ({
  concerns: ({ spread }, args) => spread !== undefined && (spread.over === "servers" || args.length > 1),

  pipeline: Effect.fnUntraced(function* (commands, rows, send) {
    const servers = rows.some(({ spread }) => spread?.over === "servers") ? yield* primaries : []
    const plans = commands.map((command, i) => planOf(command, rows[i]!, servers))
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

const planOf = (command: RoutedCommand, { spread }: CommandRow, primaries: ReadonlyArray<string>): Plan => {
  if (spread?.over === "keys") return planByKey(command, spread, slotGroup)
  if (spread === undefined) return { parts: [command], merge: ([answer]) => answer! }
  return {
    parts: primaries.map((server) => ({ ...command, server })),
    merge: (answers) =>
      (spread.oneIsEnough === true ? answers.find(Result.isSuccess) : undefined) ??
      mergeAll(command.name, answers, spread.merge)
  }
}

/** Which keys stay together. */
type Group = (key: Arg, index: number) => number
const one: Group = (_, index) => index
const slotGroup: Group = (key) => slotOfKey(toWireArg(key) ?? "")

const planByKey = (command: RoutedCommand, { merge, step }: SpreadOverKeys, group: Group): Plan => {
  const { args } = command
  if (args.length % step !== 0) return { parts: [], merge: () => Result.fail(oddArguments(command.name)) }
  const groups = new Map<number, Array<number>>()
  for (let i = 0; i < args.length / step; i++) {
    const id = group(args[i * step]!, i)
    const members = groups.get(id)
    if (members === undefined) groups.set(id, [i])
    else members.push(i)
  }
  const positions = [...groups.values()]
  return {
    parts: positions.map((members) => ({
      ...command,
      args: members.flatMap((i) => args.slice(i * step, (i + 1) * step))
    })),
    merge: (answers) => mergeAll(command.name, answers, (replies) => merge(replies, positions))
  }
}

const oddArguments = (operation: string) => new CacheInputError({ operation, reason: "a key has no value beside it" })

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
