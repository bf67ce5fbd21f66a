/** How streams pass a policy. */
import { Cause, Effect, Pull, Stream } from "effect"
import type { CommandError, CacheError } from "../../../schema/CacheError.ts"
import type { CachePolicyShape } from "../../CachePolicy.ts"
import { declare } from "./declare.ts"

/** Each page of a stream is one operation; "as if empty" is the end. */
export const pagesUnderPolicy = <A, E extends CacheError, R>(
  policy: CachePolicyShape,
  name: string,
  stream: Stream.Stream<A, E, R>
): Stream.Stream<A, E | CommandError, R> =>
  Stream.scoped(
    Stream.fromPull(
      Effect.map(Stream.toPull(stream), (pull) => {
        const page = Effect.map(pull, (keys): Page<A> => keys).pipe(Pull.catchDone(() => Effect.succeed(undefined)))
        return Effect.flatMap(policy(declare<Page<A>>(name, undefined, undefined), page), (keys) =>
          keys === undefined ? Cause.done() : Effect.succeed(keys)
        )
      })
    )
  )

type Page<A> = readonly [A, ...ReadonlyArray<A>] | undefined
