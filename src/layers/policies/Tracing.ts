/** A policy that gives every operation a span. */
import { Clock, Context, Effect, Exit, type Layer, Option, Tracer } from "effect"
import { answersIn, wantAnswers } from "../../schema/Answers.ts"
import type { CacheError } from "../../schema/CacheError.ts"
import type { Address } from "../../schema/ConnectionOptions.ts"
import { kindOf } from "../../schema/codecFailures.ts"
import {
  type CachePolicyShape,
  layerPolicy,
  type Observe,
  type ObservedLookup,
  type Tally
} from "../../services/CachePolicy.ts"

/**
 * The options of `Tracing.policy` and `Tracing.layer`. Every field has a default.
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export interface TracingOptions {
  /** Whether spans name user keys, and errors with keys are shown whole. Values are never shown. Default false. */
  readonly keys?: boolean | undefined
}

/**
 * A client span for each operation, named after it, with the attributes of OpenTelemetry's database conventions, the server that
 * answered among them, and whether it was a hit. Lookups have spans: `cache.getOrSet.lookup`; `cache.getOrSet.wait`, with a link to the lookup that a caller
 * joined; `cache.getOrSet.refresh` in the background, which has no parent and a link to the caller's span. It costs
 * some microseconds an operation, also where nothing collects the spans.
 *
 * @example
 * ```ts
 * import { CacheLive, Tracing } from "effect-vcache"
 *
 * export const cache = CacheLive.layer({ policies: [Tracing.policy()] })
 * ```
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export const policy = (options: TracingOptions = {}): Effect.Effect<CachePolicyShape> =>
  Effect.sync(() => make(options))

/**
 * Provides `policy` for every cache that is built under the layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Tracer } from "effect"
 * import { CacheMemory, CacheService, Tracing } from "effect-vcache"
 *
 * const names: Array<string> = []
 * const tracer = Tracer.make({ span: (options) => (names.push(options.name), new Tracer.NativeSpan(options)) })
 * const program = CacheService.use((cache) => cache.getOrSet("user:1", Effect.succeed("Ada")))
 * Effect.runSync(Effect.withTracer(Effect.provide(program, Layer.provide(CacheMemory, Tracing.layer())), tracer))
 * console.log(names.join(", "))
 * // => cache.getOrSet, cache.getOrSet.lookup, cache.getOrSet.store
 * ```
 *
 * @since 0.2.0
 * @category observability
 * @see docs/observability.md
 */
export const layer = (options: TracingOptions = {}): Layer.Layer<never> => layerPolicy(policy(options))

const make = ({ keys = false }: TracingOptions): CachePolicyShape => {
  const keyOf = (key: string | undefined) => (keys && key !== undefined ? { "cache.key": key } : {})
  /** Messages of some errors name the key. */
  const shown = (exit: Exit.Exit<unknown, unknown>, kind: string | undefined) =>
    kind !== undefined && !keys ? Exit.fail(new Error(kind)) : exit

  const policy: CachePolicyShape = ({ key, name, near, tally }, effect) => {
    const attributes = {
      "db.system.name": "valkey",
      "db.operation.name": name,
      ...(near === undefined ? {} : { "cache.near": near }),
      ...keyOf(key)
    }
    return within(
      `cache.${name}`,
      { kind: "client", attributes },
      effect,
      (span, exit) => {
        const error = Exit.isSuccess(exit) ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit))
        tellPlace(span, error)
        if (Exit.isSuccess(exit) && tally !== undefined) tell(span, tallied(tally(exit.value), key))
        if (error !== undefined) tell(span, attributesOf(error))
        return shown(exit, error?._tag)
      },
      wantAnswers
    )
  }

  /** The span of each lookup, for those who join it. */
  const lookups = new WeakMap<ObservedLookup, Tracer.Span>()
  const observe: Observe = (part, lookup, effect) =>
    Effect.withFiber((fiber) => {
      const caller = Context.getOption(fiber.context, Tracer.ParentSpan)
      const joined = part === "wait" ? lookups.get(lookup) : undefined
      const linked = part === "refresh" ? Option.getOrUndefined(caller) : joined
      const options = {
        attributes: keyOf(lookup.key),
        root: part === "refresh",
        links: linked === undefined ? [] : [{ span: linked, attributes: {} }]
      }
      const begun = part === "lookup" ? (span: Tracer.Span) => lookups.set(lookup, span) : undefined
      const ended = (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>) => {
        const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : Option.none()
        const kind = Option.isSome(error) ? kindOf(error.value) : undefined
        if (kind !== undefined) span.attribute("error.type", kind)
        return shown(exit, kind)
      }
      return within(`cache.${lookup.operation}.${part}`, options, effect, ended, begun)
    })

  return Object.assign(policy, { observe })
}

/** Runs the effect in a span. A span that has ended is no parent of others: they are linked to it. */
const within = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  effect: Effect.Effect<A, E, R>,
  ended: (span: Tracer.Span, exit: Exit.Exit<A, E>) => Exit.Exit<unknown, unknown>,
  begun?: (span: Tracer.Span) => void
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const parent = Option.getOrUndefined(Context.getOption(fiber.context, Tracer.ParentSpan))
    const isOver = parent?._tag === "Span" && parent.status._tag === "Ended" && options.root !== true
    const apart = isOver
      ? { ...options, root: true, links: [...(options.links ?? []), { span: parent, attributes: {} }] }
      : options
    return Effect.flatMap(Effect.makeSpan(name, apart), (span) => {
      begun?.(span)
      return Effect.onExitPrimitive(Effect.withParentSpan(effect, span, withoutStack), (exit) => {
        span.end(clock.currentTimeNanosUnsafe(), ended(span, exit))
        return undefined
      })
    })
  })

type Attributes = Readonly<Record<string, string | number | boolean>>

const tell = (span: Tracer.Span, attributes: Attributes): void => {
  for (const [attribute, value] of Object.entries(attributes)) span.attribute(attribute, value)
}

/** Of one key: whether it was there. Of several: how many were. */
const tallied = ({ hits, misses, stale }: Tally, key: string | undefined): Attributes => {
  if (hits === undefined && misses === undefined) return {}
  return key === undefined
    ? { "cache.hits": hits ?? 0, "cache.misses": misses ?? 0, ...(stale === undefined ? {} : { "cache.stale": stale }) }
    : { "cache.hit": (hits ?? 0) > 0, ...(stale === undefined ? {} : { "cache.stale": stale > 0 }) }
}

/** It would always be this file's, and takes longer than the rest of a span. */
const withoutStack = { captureStackTrace: false }

const attributesOf = (error: CacheError): Attributes => ({
  "error.type": error._tag,
  ...("code" in error && error.code !== undefined ? { "db.response.status_code": error.code } : {})
})

/** Where its commands went. An error names its server where no connection does. */
const tellPlace = (span: Tracer.Span, error: CacheError | undefined): void => {
  const { configured, database, peer } = answersIn(span)
  const failed = error !== undefined && "node" in error && error.node !== undefined ? addressIn(error.node) : undefined
  if (database !== undefined) span.attribute("db.namespace", String(database))
  tellAddress(span, "server.address", "server.port", configured ?? failed)
  tellAddress(span, "network.peer.address", "network.peer.port", peer ?? failed)
}

const tellAddress = (span: Tracer.Span, addressName: string, portName: string, address: Address | undefined): void => {
  if (address === undefined) return
  span.attribute(addressName, "path" in address ? address.path : address.host)
  if (!("path" in address)) span.attribute(portName, address.port)
}

const addressIn = (node: string): Address => {
  const [, ipv6, host = ipv6, port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(node) ?? []
  return host === undefined ? { path: node } : { host, port: Number(port) }
}
