/** Commands and replies as the wire knows them. */
import { Schema } from "effect"
import type { Script } from "./Script.ts"

/**
 * What a client is connected to. `"ring"` is several independent servers that share the keys; `"memory"` is this process.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export const Topology = Schema.Literals(["standalone", "sentinel", "cluster", "replicated", "ring", "memory"])
export type Topology = typeof Topology.Type

export const keyTypes = ["string", "list", "set", "hash", "zset", "stream"] as const

/**
 * The types of keys that this cache knows; TYPE names them so.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type KeyType = (typeof keyTypes)[number]

const known: ReadonlySet<string> = new Set(keyTypes)
export const isKeyType = (text: string): text is KeyType => known.has(text)

/**
 * An argument of a command. Text with a lone surrogate, NaN, and integers beyond 2^53 as numbers are refused with
 * `CacheInputError`.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type Arg = string | number | bigint | Uint8Array

/**
 * A reply as the wire gives it: bulk strings are `Buffer` with `reply: "buffer"`, else utf8 text.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type Reply = null | number | string | Buffer | ReadonlyArray<Reply>

/**
 * How bulk strings of a reply are given: `"utf8"` as text, `"buffer"` as bytes.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export type ReplyEncoding = "utf8" | "buffer"

/**
 * A command for a pipeline or a transaction.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/connections.md
 */
export interface Command {
  /** The name of the command, `"GET"`. */
  readonly name: string
  /** The arguments of the command, keys among them. */
  readonly args: ReadonlyArray<Arg>
  /** How bulk strings of the reply are given. Default: `"utf8"`. */
  readonly reply?: ReplyEncoding | undefined
  /**
   * Asked before the command is sent again: because a server refused it without executing it, because its connection was
   * lost and it only reads, or because it goes to the second client of `ValkeyFallback`. Where it says false, the command fails with why it was not executed at first.
   */
  readonly resendIf?: (() => boolean) | undefined
  /** The script that EVAL runs, for stores that have no Lua. */
  readonly script?: Script | undefined
}

/** An argument as it is written: text, or bytes. */
export type WireArg = string | Buffer

/** The argument as the wire takes it, or undefined where it cannot be sent unchanged. */
export const toWireArg = (arg: Arg): WireArg | undefined => {
  switch (typeof arg) {
    case "string":
      return arg.isWellFormed() ? arg : undefined
    case "number":
      if (Number.isSafeInteger(arg)) return String(arg)
      if (Number.isInteger(arg) || Number.isNaN(arg)) return undefined
      return arg === Infinity ? "inf" : arg === -Infinity ? "-inf" : String(arg)
    case "bigint":
      return String(arg)
    default:
      if (Buffer.isBuffer(arg)) return arg
      return arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : undefined
  }
}

/** Why `toWireArg` refused it; names the kind of argument, never its content. */
export const refusedBecause = (arg: unknown): string =>
  typeof arg === "string"
    ? "text must not contain a lone surrogate"
    : typeof arg === "number"
      ? "a number must not be NaN, and an integer must not exceed 2^53: pass a bigint"
      : `${arg === null ? "null" : typeof arg} is neither text, a number nor bytes`
