/** Reading a stream for ever: from where it left off, whatever becomes of the connection. */
import { Effect, Option, Stream } from "effect"
import type { ValueError, CacheError } from "../../../schema/CacheError.ts"
import { isTransient } from "../../../schema/isTransient.ts"
import type { Arg, Reply } from "../../../schema/Command.ts"
import type { CacheContext } from "../kernel/context.ts"
import { pauseAfterLoss } from "../kernel/pauseAfterLoss.ts"
import { pagesUnderPolicy } from "../kernel/pagesUnderPolicy.ts"
import { sendWaiting } from "./waiting.ts"

/** How long a read waits before it is asked again, in milliseconds, which tells a silent connection from a silent stream. */
export const blockMillis = 5000

/** One read from a place, and where it goes on. */
export interface Step<B, P, RD> {
  readonly command: string
  readonly args: ReadonlyArray<Arg>
  /** It waits, and so needs a connection of its own. */
  readonly blocking: boolean
  readonly onReply: (
    reply: Reply
  ) => Effect.Effect<{ readonly entries: ReadonlyArray<B>; readonly next: P }, ValueError, RD>
  /** Where it goes on when nobody knows what became of the read. */
  readonly onLoss: P
}

/** Where a reader begins, and how it goes on from any place. */
export interface Beginning<B, P, RD> {
  readonly place: P
  readonly step: (place: P) => Step<B, P, RD>
}

export const readOn = <B, P, RD>(
  { client, policy, readOptions }: Pick<CacheContext<unknown, unknown, unknown>, "client" | "policy" | "readOptions">,
  operation: string,
  begin: Effect.Effect<Beginning<B, P, RD>, ValueError, RD>
): Stream.Stream<B, ValueError, RD> => {
  const pages = Stream.unwrap(
    Effect.map(begin, ({ place: first, step }) => {
      let hasBegun = false

      const read = ({ args, blocking, command }: Step<B, P, RD>) =>
        blocking ? sendWaiting(client, command, args, readOptions) : client.send(command, args, readOptions)

      const page = (place: P): Effect.Effect<readonly [ReadonlyArray<B>, Option.Option<P>], ValueError, RD> => {
        const next = step(place)
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

/** Whether the reader goes on after a failure: one that cannot begin fails, and one that has begun tries again. */
const goesOn = (error: CacheError, hasBegun: boolean): boolean =>
  isTransient(error) && (hasBegun || (error._tag === "CacheConnectionError" && error.phase === "lost"))
