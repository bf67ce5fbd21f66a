/** Commands that concern several servers: split, sent to all of them together, and answered as one. */
import { Effect, Exit, Result } from "effect"
import { type CacheError, CacheInputError } from "../../../schema/CacheError.ts"
import { type Arg, type Reply, toWireArg } from "../../../schema/Command.ts"
import { amended, protocolError } from "../../../schema/failures.ts"
import type { PipelineResults } from "../../../services/ValkeyClient.ts"
import type { Commands, RoutedCommand } from "../commands.ts"
import { byKey, sum } from "./multiKey.ts"
import { slotOfKey } from "./slot.ts"

type Answer = PipelineResults[number]

/** A command in parts, each for one server. */
interface Plan {
  readonly parts: ReadonlyArray<RoutedCommand>
  readonly merge: (answers: ReadonlyArray<Answer>) => Answer
}

type MergeServers = (replies: ReadonlyArray<Reply>) => Reply | undefined
/** Commands of a whole server, with their subcommands. */
const byServer: ReadonlyMap<string, MergeServers> = new Map<string, MergeServers>([
  ...[
    "FLUSHALL",
    "FLUSHDB",
    "PING",
    "SCRIPT LOAD",
    "SCRIPT FLUSH",
    "FUNCTION LOAD",
    "FUNCTION DELETE",
    "FUNCTION FLUSH",
    "CONFIG SET",
    "CONFIG RESETSTAT"
  ].map((name): [string, MergeServers] => [name, ([first = null]) => first]),
  ["DBSIZE", sum],
  ["KEYS", (replies) => (replies.every((reply) => Array.isArray(reply)) ? [...new Set(replies.flat())] : undefined)]
])

export const spreadOver =
  (primaries: Effect.Effect<ReadonlyArray<string>, CacheError>) =>
  (base: Commands): Commands => {
    const pipeline: Commands["pipeline"] = (commands) => {
      if (!commands.some(spreads)) return base.pipeline(commands)
      return Effect.gen(function* () {
        const servers = commands.some(({ name, args }) => byServer.has(wholeServer(name, args))) ? yield* primaries : []
        const plans = commands.map((command) => planOf(command, servers))
        const answers = yield* sendParts(
          base,
          plans.flatMap(({ parts }) => parts)
        )
        let from = 0
        return plans.map(({ parts, merge }) => merge(answers.slice(from, (from += parts.length))))
      })
    }

    const request: Commands["request"] = (name, args, use, options) =>
      spreads({ name, args })
        ? Effect.flatMap(pipeline([{ name, args, ...options }]), ([answer]) =>
            answer === undefined ? Exit.fail(protocolError(name)) : Effect.flatMap(Effect.fromResult(answer), use)
          )
        : base.request(name, args, use, options)

    return { pipeline, request, send: (name, args, options) => request(name, args, Exit.succeed, options) }
  }

/** Commands of one server whatever their arguments are. */
const plain = new Set<string>()
const containers: ReadonlySet<string> = new Set(["SCRIPT", "FUNCTION", "CONFIG"])

const spreads = ({ name, args }: RoutedCommand): boolean => {
  if (plain.has(name)) return false
  const upper = name.toUpperCase()
  if (byKey.has(upper)) return args.length > 1
  if (byServer.has(wholeServer(upper, args))) return true
  if (!containers.has(upper) && plain.size < 1000) plain.add(name)
  return false
}

/** The name with the subcommand, where it counts. */
const wholeServer = (name: string, args: ReadonlyArray<Arg>): string => {
  const upper = name.toUpperCase()
  return containers.has(upper) ? `${upper} ${String(args[0]).toUpperCase()}` : upper
}

/** A slot that is being moved answers for several keys only while all are in one place; for each of them it answers always. */
const sendParts = Effect.fnUntraced(function* (base: Commands, parts: ReadonlyArray<RoutedCommand>) {
  const answers = [...(yield* base.pipeline(parts))]
  const split = parts.flatMap((part, i) => {
    const answer = answers[i]!
    return isSplitSlot(answer) && byKey.has(part.name.toUpperCase()) ? [{ i, plan: planByKey(part, one) }] : []
  })
  if (split.length > 0) {
    const again = yield* base.pipeline(split.flatMap(({ plan }) => plan.parts))
    let from = 0
    for (const { i, plan } of split) answers[i] = plan.merge(again.slice(from, (from += plan.parts.length)))
  }
  return answers
})

const isSplitSlot = (answer: Answer): boolean =>
  Result.isFailure(answer) && answer.failure._tag === "CacheServerError" && answer.failure.code === "TRYAGAIN"

const planOf = (command: RoutedCommand, primaries: ReadonlyArray<string>): Plan => {
  if (byKey.has(command.name.toUpperCase())) return planByKey(command, slotGroup)
  const merge = byServer.get(wholeServer(command.name, command.args))
  if (merge === undefined) return { parts: [command], merge: ([answer]) => answer! }
  return {
    parts: primaries.map((server) => ({ ...command, server })),
    merge: (answers) => mergeAll(command.name, answers, merge)
  }
}

/** Which keys stay together. */
type Group = (key: Arg, index: number) => number
const one: Group = (_, index) => index
const slotGroup: Group = (key) => slotOfKey(toWireArg(key) ?? "")

const planByKey = (command: RoutedCommand, group: Group): Plan => {
  const { merge, step } = byKey.get(command.name.toUpperCase())!
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
    return Result.fail(answers.some(Result.isSuccess) ? amended(all.failure, { mayHaveExecuted: true }) : all.failure)
  }
  const reply = merge(all.success)
  return reply === undefined ? Result.fail(protocolError(name)) : Result.succeed(reply)
}
