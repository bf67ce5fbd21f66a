/** Reading a stream for ever: from where it left off, whatever becomes of the connection. */
import { Effect, Option, Stream } from "effect"
import { isTransient, type ValueError, type CacheError } from "../../../schema/CacheError.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { KeyOptions } from "../../operations/KeyOptions.ts"
import type { StreamEntry } from "../../operations/structures/CacheStream.ts"
import type { CacheContext } from "../kernel/context.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import { pagesUnderPolicy } from "../kernel/pagesUnderPolicy.ts"

/** So long a read waits before it is asked again, which tells a silent connection from a silent stream. */
export const blockMillis = 5000

/** One read from a place, and where it goes on. */
export interface Step<A, P, RD> {
  readonly command: string
  readonly args: ReadonlyArray<Arg>
  /** It waits, and so needs a connection of its own. */
  readonly blocking: boolean
  readonly onReply: (
    reply: Reply
  ) => Effect.Effect<{ readonly entries: ReadonlyArray<StreamEntry<A>>; readonly next: P }, ValueError, RD>
  /** Where it goes on when nobody knows what became of the read. */
  readonly onLoss: P
}

export const readOn = <A, RD, RE, P>(
  context: CacheContext<A, RD, RE>,
  operation: string,
  key: string,
  keyOptions: KeyOptions,
  begin: (operation: string, final: string) => Effect.Effect<P, ValueError, RD>,
  step: (entry: EntryName, place: P) => Step<A, P, RD>
): Stream.Stream<StreamEntry<A>, ValueError, RD> => {
  const { client, finalKey, policy, readOptions } = context

  const pages = Stream.unwrap(
    Effect.gen(function* () {
      const final = yield* finalKey(operation, key, keyOptions)
      const entry = { operation, key, final }
      const first = yield* begin(operation, final)
      let hasBegun = false

      const read = ({ args, blocking, command }: Step<A, P, RD>) =>
        blocking
          ? Effect.scoped(Effect.flatMap(client.dedicated, (own) => own.send(command, args, readOptions)))
          : client.send(command, args, readOptions)

      const page = (
        place: P
      ): Effect.Effect<readonly [ReadonlyArray<StreamEntry<A>>, Option.Option<P>], ValueError, RD> => {
        const next = step(entry, place)
        return Effect.matchEffect(read(next), {
          onSuccess: (reply) => {
            hasBegun = true
            return Effect.flatMap(next.onReply(reply), ({ entries, next }) =>
              entries.length === 0 ? page(next) : Effect.succeed([entries, Option.some(next)])
            )
          },
          onFailure: (error) =>
            goesOn(error, hasBegun)
              ? Effect.andThen(Effect.sleep(pauseAfterLoss), page(next.onLoss))
              : Effect.fail(error)
        })
      }
      return Stream.paginate(first, page)
    })
  )
  return policy === undefined ? pages : pagesUnderPolicy(policy, operation, pages)
}

/** A reader that cannot begin says so; one that has begun waits for better times. */
const goesOn = (error: CacheError, hasBegun: boolean): boolean =>
  isTransient(error) && (hasBegun || (error._tag === "CacheConnectionError" && error.phase === "lost"))
