/** A policy that gives every operation a span. */
import { Clock, Effect, Exit, type Layer, Option } from "effect"
import type { CacheError } from "../../schema/CacheError.ts"
import { type CachePolicyShape, layerPolicy } from "../../services/CachePolicy.ts"

export interface TracingOptions {
  /** Whether spans name user keys, and errors with keys are shown whole. Values are never shown. Default false. */
  readonly keys?: boolean | undefined
}

/**
 * A client span for each operation, named after it, with the attributes of OpenTelemetry's database conventions. It
 * costs some microseconds an operation, also where nothing collects the spans.
 */
export const policy = (options: TracingOptions = {}): Effect.Effect<CachePolicyShape> =>
  Effect.sync(() => make(options))

/** `policy` for every cache that is built under the layer. */
export const layer = (options: TracingOptions = {}): Layer.Layer<never> => layerPolicy(policy(options))

const make =
  ({ keys = false }: TracingOptions): CachePolicyShape =>
  ({ key, name }, effect) => {
    const attributes = {
      "db.system.name": "valkey",
      "db.operation.name": name,
      ...(keys && key !== undefined ? { "cache.key": key } : {})
    }
    return Effect.flatMap(Effect.makeSpan(`cache.${name}`, { kind: "client", attributes }), (span) =>
      Effect.withFiber((fiber) => {
        const clock = fiber.getRef(Clock.Clock)
        return Effect.onExitPrimitive(Effect.withParentSpan(effect, span, withoutStack), (exit) => {
          const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : Option.none()
          if (Option.isSome(error)) {
            for (const [attribute, value] of Object.entries(attributesOf(error.value))) span.attribute(attribute, value)
          }
          // Messages of some errors name the key.
          const shown = Option.isSome(error) && !keys ? Exit.fail(new Error(error.value._tag)) : exit
          span.end(clock.currentTimeNanosUnsafe(), shown)
          return undefined
        })
      })
    )
  }

/** It would always be this file's, and takes longer than the rest of a span. */
const withoutStack = { captureStackTrace: false }

const attributesOf = (error: CacheError): Readonly<Record<string, string>> => ({
  "error.type": error._tag,
  ...("code" in error && error.code !== undefined ? { "db.response.status_code": error.code } : {}),
  ...("node" in error && error.node !== undefined ? serverOf(error.node) : {})
})

const serverOf = (node: string): Readonly<Record<string, string>> => {
  const colon = node.lastIndexOf(":")
  return colon < 0
    ? { "server.address": node }
    : { "server.address": node.slice(0, colon), "server.port": node.slice(colon + 1) }
}
