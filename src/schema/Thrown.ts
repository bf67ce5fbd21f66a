/** What code without Effect threw, kept apart from what the cache fails with until it is thrown again. */
import { Cause, Effect } from "effect"

export class Thrown {
  readonly reason: unknown

  constructor(reason: unknown) {
    this.reason = reason
  }

  /** Runs such code, which may return a Promise. */
  static readonly by = <A>(run: () => A | PromiseLike<A>): Effect.Effect<A, Thrown> =>
    Effect.tryPromise({ try: async (): Promise<A> => run(), catch: (reason) => new Thrown(reason) })

  /** What a Promise rejects with for this cause. */
  static readonly rejectionOf = (cause: Cause.Cause<unknown>): unknown => {
    const failure = Cause.squash(cause)
    return failure instanceof Thrown ? failure.reason : failure
  }
}
