/** Settings of one cache. */
import { Context, Duration, Layer } from "effect"
import { defaultKeyFunction, type KeyFunction } from "./Key.ts"
import { toMillis } from "./TimeToLive.ts"

export interface CacheOptionsShape {
  /** Namespace of the keys. Default `""`. */
  readonly prefix: string
  /** Version of the keys, a safe integer. Default 1. */
  readonly version: number
  /** Lifetime where a call names none. Default 300 seconds; `"Infinity"` = for ever. */
  readonly timeToLive: Duration.Input
  /** Fraction, 0 to 1, by which every lifetime is spread up and down. Default 0. */
  readonly jitter: number
  /** Default `prefix:version:key`. */
  readonly keyFunction: KeyFunction
}

const defaults: CacheOptionsShape = {
  prefix: "",
  version: 1,
  timeToLive: Duration.seconds(300),
  jitter: 0,
  keyFunction: defaultKeyFunction
}

const reference = Context.Reference<CacheOptionsShape>("effect-vcache/CacheOptions", { defaultValue: () => defaults })

/** The settings that `CacheLive` takes; what a layer leaves out keeps its default. */
export const CacheOptions: Context.Reference<CacheOptionsShape> & {
  readonly layer: (options: Partial<CacheOptionsShape>) => Layer.Layer<never>
} = Object.assign(reference, {
  layer: (options: Partial<CacheOptionsShape>) => Layer.succeed(reference, { ...defaults, ...options })
})

/** Why the settings cannot be used; undefined when they can. */
export const optionsRefusal = (options: CacheOptionsShape): string | undefined => {
  if (typeof options.prefix !== "string" || !options.prefix.isWellFormed()) return "prefix must be well-formed text"
  if (!Number.isSafeInteger(options.version)) return "version must be a safe integer"
  if (!(options.jitter >= 0 && options.jitter <= 1)) return "jitter must be between 0 and 1"
  const millis = toMillis(options.timeToLive)
  return millis === undefined || millis === 0 ? "timeToLive must be a positive duration" : undefined
}
