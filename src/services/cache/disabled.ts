/** A cache that holds nothing: its operations give what they would give of an empty cache, and no server is asked. */
import { Duration, Effect, Option, Stream } from "effect"
import { CacheUnsupportedError } from "../../schema/CacheError.ts"
import type { Health } from "../../schema/Health.ts"
import type { ComposedPolicy, CachePolicyShape } from "../CachePolicy.ts"
import type { ValkeyClientShape } from "../ValkeyClient.ts"

const reason = "the cache is disabled"

/** What operations pass in place of their way to the server; `policy` sees it as it sees what servers answer. */
export const disabledPolicy = (
  policy: ComposedPolicy | undefined,
  topology: ValkeyClientShape["topology"]
): ComposedPolicy => {
  const answered: CachePolicyShape = ({ disabled, name, neutral }) => {
    const given = disabled ?? neutral
    return Option.isSome(given)
      ? Effect.succeed(given.value)
      : Effect.fail(new CacheUnsupportedError({ operation: name, topology, reason }))
  }
  const composed: CachePolicyShape =
    policy === undefined ? answered : (operation, effect) => policy(operation, answered(operation, effect))
  return Object.assign(composed, { observe: policy?.observe, forNear: undefined })
}

/** There is nothing that a program would have to wait for. */
export const disabledHealth = ({ state }: Pick<ValkeyClientShape, "state">): Effect.Effect<Health> =>
  Effect.map(state, (state) => ({
    ready: true,
    latency: Duration.zero,
    state,
    error: Option.none(),
    near: Option.none()
  }))

/** A client that sends nothing. */
export const disabledClient = (client: ValkeyClientShape): ValkeyClientShape => {
  const refuse = (operation: string) =>
    Effect.fail(new CacheUnsupportedError({ operation, topology: client.topology, reason }))
  return {
    ...client,
    isDisabled: true,
    send: (name) => refuse(name),
    request: (name) => refuse(name),
    pipeline: () => refuse("pipeline"),
    transaction: () => refuse("transaction"),
    eval: ({ name }) => refuse(name),
    scan: () => Stream.fromEffect(refuse("scan")),
    scanBinary: () => Stream.fromEffect(refuse("scan")),
    scanPage: () => refuse("scanPage"),
    subscription: () => refuse("subscription"),
    subscribe: () => Stream.fromEffect(refuse("subscribe")),
    tracked: () => refuse("tracked"),
    dedicated: refuse("dedicated"),
    raw: refuse("raw"),
    use: () => refuse("use")
  }
}
