/** A client over two stores. */
import { Effect, Exit, identity, Result, type Scope, Stream } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Command, WireArg } from "../../schema/Command.ts"
import { isAnswerToPing, isOutage, type Outage } from "../../schema/failures.ts"
import { scriptCall } from "../../schema/Script.ts"
import type {
  PipelineResults,
  ScanOptions,
  ScanPage,
  ScanPageOptions,
  ValkeyClientShape
} from "../../services/ValkeyClient.ts"
import { foreignCursor, scansOf } from "../commands/scan.ts"
import { notedClient } from "./notedClient.ts"
import { Notes } from "./Notes.ts"
import { notThere } from "./outages.ts"
import { Standby } from "./Standby.ts"
import { StandbyInvalidations } from "./StandbyInvalidations.ts"
import { tell, unlinkAll } from "./tell.ts"
import { mayStandIn, pops, type Told, toldOf } from "./told.ts"

export interface FallbackSettings {
  /** Whose warnings these are. */
  readonly name: string
  /** The server of the first store, where the client has others besides. */
  readonly server?: string | undefined
  /** Milliseconds. */
  readonly probeInterval: number
  readonly structures: "fail" | "second"
  /** Where several stores change back, each by itself: for its last step, during which its commands wait. */
  readonly alone?: (<A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>) | undefined
}

/** While commands wait, the first is told of so many at most; of the others before that, in so many rounds. */
const fewEnough = 1000
const maxRounds = 10

/** What is asked of the second store. */
export interface SecondStore extends Pick<
  ValkeyClientShape,
  | "send"
  | "pipeline"
  | "transaction"
  | "eval"
  | "scanBinary"
  | "scanPage"
  | "sendToEach"
  | "info"
  | "slowLog"
  | "tracked"
> {
  /** Deletes the keys once the first store has them again. Default: by UNLINK. Must not wait for another change back. */
  readonly forget?: ((keys: ReadonlyArray<WireArg>) => Effect.Effect<void, CommandError>) | undefined
}

export interface Fallback {
  readonly client: ValkeyClientShape
  /** Whether the second store is used now. */
  readonly isAway: () => boolean
  /** Deletes keys in the first store, at once or before it is used again. */
  readonly forget: (keys: ReadonlyArray<WireArg>) => Effect.Effect<void, CommandError>
}

interface Ways<A> {
  readonly commands: () => ReadonlyArray<Told>
  readonly onFirst: Effect.Effect<A, CommandError>
  readonly onSecond: () => Effect.Effect<A, CommandError>
  readonly resendIf?: Command["resendIf"]
}

export const makeFallback = (
  [first, second]: readonly [ValkeyClientShape, SecondStore],
  { alone = identity, name, probeInterval, server, structures }: FallbackSettings,
  scope: Scope.Scope
): Fallback => {
  const standby = new Standby()
  const notes = new Notes()
  const noted = notedClient(second, notes)
  const announced = new StandbyInvalidations({ first, server, outage: () => standby.outage })
  /** The first answers, and is told what happened meanwhile. */
  let returning = false
  let isWarned = false

  const tellFirst = Effect.suspend(() => {
    const taken = notes.arrears.take()
    return Effect.onExit(tell(first, taken), (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => notes.arrears.addAll(taken))
    )
  })

  const forgetInSecond = second.forget ?? ((keys: ReadonlyArray<WireArg>) => unlinkAll(second, keys))
  const clearSecond = Effect.suspend(() => Effect.map(forgetInSecond(notes.written.all()), () => notes.written.clear()))

  const handBack = Effect.gen(function* () {
    yield* Effect.catchTag(first.send("PING", []), "CacheServerError", (error) =>
      isAnswerToPing(error.reply) ? Effect.void : Effect.fail(error)
    )
    returning = true
    for (let round = 0; round < maxRounds && !notes.arrears.isLittle(fewEnough); round++) yield* tellFirst
    const lastSteps = Effect.gen(function* () {
      while (!notes.arrears.isEmpty) yield* tellFirst
      // Where the second cannot be reached, it is done before it is used again.
      yield* Effect.ignore(clearSecond)
    })
    yield* alone(standby.end(lastSteps, () => notes.arrears.isEmpty))
    announced.end()
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        returning = false
      })
    )
  )

  const probing: Effect.Effect<void> = Effect.suspend(() =>
    standby.outage === undefined
      ? Effect.void
      : Effect.andThen(Effect.ignore(Effect.delay(handBack, probeInterval)), probing)
  )

  /** Whoever meets the outage may leave: an outage that has begun is one that somebody looks for the end of. */
  const goDown = (outage: Outage): Effect.Effect<void> =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        if (!standby.begin(outage)) return Effect.void
        isWarned = false
        announced.begin(outage)
        const cleared = notes.written.size === 0 ? Effect.void : standby.undecided(Effect.ignore(clearSecond))
        return Effect.andThen(cleared, Effect.forkIn(probing, scope, { startImmediately: true }))
      })
    )

  const forget: Fallback["forget"] = (keys) =>
    Effect.suspend(() => {
      const note = () => keys.forEach((key) => notes.arrears.forgotten.add(key))
      if (standby.outage !== undefined) return Effect.sync(note)
      return Effect.catch(unlinkAll(first, keys), (error) => {
        if (!isOutage(error)) return Effect.fail(error)
        note()
        return goDown(error)
      })
    })

  const standsIn = (told: Told): boolean => mayStandIn(told, structures) && notes.hasRoomFor(told)

  /** Whether the second may do what the first was asked for and failed. */
  const follows = (told: Told, outage: Outage, resendIf: Command["resendIf"]): boolean =>
    standsIn(told) && resendIf?.() !== false && !(outage.mayHaveExecuted && pops(told))

  /** Says once in an outage that no more can be remembered. */
  const warn = (told: Told): Effect.Effect<void> => {
    if (isWarned || notes.hasRoomFor(told)) return Effect.void
    isWarned = true
    return Effect.logWarning(
      `${name}: the list of changes for the first client is full, so further writes fail until the first client is back`
    )
  }

  /** What becomes of the answer is one step with the answer itself: most commands go no other way. */
  const route = <A, B, E, R>(
    { commands, onFirst, onSecond, resendIf }: Ways<A>,
    use: (answer: A) => Effect.Effect<B, E, R>
  ): Effect.Effect<B, E | CommandError, R> => {
    const inSecond = () => Effect.flatMap(standby.inSecond(announced.telling(commands, onSecond())), use)
    return standby.use<B, E | CommandError, R>(
      Effect.matchEffect(onFirst, {
        onSuccess: use,
        onFailure: (error) => {
          if (!isOutage(error)) return Exit.fail(error)
          const again = commands().every((told) => follows(told, error, resendIf))
          return Effect.andThen(goDown(error), again ? standby.use(Exit.fail(error), inSecond) : Exit.fail(error))
        }
      }),
      (outage) => {
        const refused = commands().find((told) => !standsIn(told))
        return refused === undefined
          ? inSecond()
          : Effect.andThen(warn(refused), Effect.fail(notThere(refused.name, outage)))
      }
    )
  }

  const request: ValkeyClientShape["request"] = (name, args, use, options) =>
    route(
      {
        commands: () => [toldOf({ name, args })],
        onFirst: first.send(name, args, options),
        onSecond: () => noted.send(name, args, options),
        resendIf: options?.resendIf
      },
      use
    )

  /** What the second answers to those of the commands that have no answer yet. */
  const complete = (
    commands: ReadonlyArray<Command>,
    answers: ReadonlyArray<PipelineResults[number] | undefined>
  ): Effect.Effect<PipelineResults, CommandError> => {
    const open = commands.filter((_, i) => answers[i] === undefined)
    if (open.length === 0) return Exit.succeed(answers.flatMap((answer) => answer ?? []))
    const second = announced.telling(() => open.map(toldOf), noted.pipeline(open))
    return Effect.map(second, (others) => {
      const rest = others.values()
      return answers.map((answer) => answer ?? rest.next().value ?? Result.succeed(null))
    })
  }

  const pipeline: ValkeyClientShape["pipeline"] = (commands) =>
    standby.use(
      Effect.matchEffect(first.pipeline(commands), {
        onSuccess: (answers) => afterFirst(commands, answers),
        onFailure: (error) =>
          isOutage(error)
            ? afterFirst(
                commands,
                commands.map(() => Result.fail(error))
              )
            : Exit.fail(error)
      }),
      (outage) => {
        const refused = commands.map((command) => (standsIn(toldOf(command)) ? undefined : toldOf(command)))
        const answers = refused.map((told) => told && Result.fail(notThere(told.name, outage)))
        const full = refused.find((told) => told !== undefined && !notes.hasRoomFor(told))
        return Effect.andThen(
          full === undefined ? Effect.void : warn(full),
          standby.inSecond(complete(commands, answers))
        )
      }
    )

  /** Each command that met the outage goes to the second where that may do it. */
  const afterFirst = (commands: ReadonlyArray<Command>, answers: PipelineResults) => {
    const lost = answers.find(isLost)
    if (lost === undefined) return Exit.succeed(answers)
    const kept = commands.map((command, i) => {
      const answer = answers[i]
      return isLost(answer) && follows(toldOf(command), answer.failure, command.resendIf) ? undefined : answer
    })
    return Effect.andThen(
      goDown(lost.failure),
      standby.use(Effect.succeed(answers), () => standby.inSecond(complete(commands, kept)))
    )
  }

  const scanSecond: ValkeyClientShape["scanBinary"] = (options) => {
    const { deletes, match } = options ?? {}
    if (deletes === undefined) return second.scanBinary(options)
    const noted = Effect.suspend(() =>
      notes.arrears.patterns.add({ deletes, match })
        ? Effect.logWarning(
            `${name}: too many patterns were deleted to remember each of them; when the first client is back, all its keys with their common prefix are deleted`
          )
        : Effect.void
    )
    const instead = Stream.unwrap(Effect.as(noted, Stream.empty))
    // What the first has is deleted key by key, with what the second has.
    const inFirst = returning ? Stream.catch(first.scanBinary(options), () => instead) : instead
    return Stream.concat(inFirst, second.scanBinary(options))
  }

  const scanBinary = (options?: ScanOptions): Stream.Stream<string | Buffer, CommandError> => {
    const onFirst = Stream.catch(first.scanBinary(options), (error) =>
      isOutage(error)
        ? Stream.unwrap(
            Effect.andThen(
              goDown(error),
              standby.use(Effect.succeed(Stream.fail<CommandError>(error)), () =>
                Effect.sync(() => scanSecond(options))
              )
            )
          )
        : Stream.fail(error)
    )
    return Stream.unwrap(standby.use(Effect.succeed(onFirst), () => Effect.sync(() => scanSecond(options))))
  }

  /** What there is nothing to note of, in the store that is used now. */
  const asked = <A>(onFirst: Effect.Effect<A, CommandError>, onSecond: () => Effect.Effect<A, CommandError>) =>
    route({ commands: () => [], onFirst, onSecond }, Exit.succeed)

  const client: ValkeyClientShape = {
    ...first,
    invalidations: announced.invalidations,
    changes: announced.changes,
    tracked: (keys, options) =>
      route(
        {
          commands: () => [toldOf({ name: "MGET", args: keys })],
          onFirst: first.tracked(keys, options),
          // Nobody tells of changes there.
          onSecond: () =>
            Effect.map(second.tracked(keys, options), (replies) =>
              replies.map((reply) => ({ ...reply, server: undefined }))
            )
        },
        Exit.succeed
      ),
    send: (name, args, options) => request(name, args, Exit.succeed, options),
    request,
    pipeline,
    transaction: (commands) =>
      route(
        {
          commands: () => commands.map(toldOf),
          onFirst: first.transaction(commands),
          onSecond: () => noted.transaction(commands)
        },
        Exit.succeed
      ),
    eval: (script, keys, args) =>
      script.exclusive === true
        ? first.eval(script, keys, args)
        : route(
            {
              commands: () => [toldOf(scriptCall(script, keys, args))],
              onFirst: first.eval(script, keys, args),
              onSecond: () => noted.eval(script, keys, args)
            },
            Exit.succeed
          ),
    ...scansOf(scanBinary),
    // Whichever store is used now: both have servers of which something is to be known, and those of one may be known alone.
    sendToEach: (name, args, options) =>
      Effect.flatMap(
        Effect.all([first.sendToEach(name, args, options), second.sendToEach(name, args, options)], {
          concurrency: "unbounded",
          mode: "result"
        }),
        (stores) => {
          const answers = new Map(stores.flatMap((servers) => (Result.isSuccess(servers) ? [...servers.success] : [])))
          const unknown = stores.find(Result.isFailure)
          return answers.size === 0 && unknown !== undefined ? Exit.fail(unknown.failure) : Exit.succeed(answers)
        }
      ),
    info: (section) => asked(first.info(section), () => second.info(section)),
    slowLog: (options) => asked(first.slowLog(options), () => second.slowLog(options)),
    scanPage: (cursor, options) =>
      asked(pageOf("1", first, cursor, options), () => pageOf("2", second, cursor, options))
  }
  return { client, isAway: () => standby.outage !== undefined, forget }
}

/** A cursor of the other store is worth nothing in this one, which begins anew. */
const pageOf = (
  name: "1" | "2",
  { scanPage }: Pick<ValkeyClientShape, "scanPage">,
  cursor: string | undefined,
  options: ScanPageOptions | undefined
): Effect.Effect<ScanPage, CommandError> => {
  if (cursor !== undefined && !/^[12]:/.test(cursor)) return foreignCursor
  const place = cursor?.startsWith(name) === true ? cursor.slice(2) : undefined
  return Effect.map(scanPage(place, options), ({ next, ...page }) => ({
    ...page,
    next: next === undefined ? undefined : `${name}:${next}`
  }))
}

const isLost = (answer: PipelineResults[number] | undefined): answer is Result.Failure<never, Outage> =>
  answer !== undefined && Result.isFailure(answer) && isOutage(answer.failure)
