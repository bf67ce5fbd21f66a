/** Values that name their key and their writer: one that is given to the wrong caller, or was put under the wrong key, is found. */
import assert from "node:assert/strict"
import { inspect } from "node:util"
import { Effect, Option } from "effect"
import type { CacheError, TypedCache } from "effect-vcache"

export interface Signed {
  readonly key: string
  readonly writer: string
  /** How often the writer had written before. */
  readonly turn: number
}

export const signed = (key: string, writer: string, turn = 0): Signed => ({ key, writer, turn })

/** Fails the test if the value is not one that this writer has put under this key. */
export const assertSigned = (value: unknown, key: string, writer: string): Signed => {
  const { turn, ...names } = Object(value)
  assert.deepEqual(names, { key, writer }, `${key} was asked for, and the reply was ${inspect(value)}`)
  assert.ok(Number.isSafeInteger(turn))
  return signed(key, writer, turn)
}

type Cache = Pick<TypedCache<unknown>, "get" | "set">

export const writeSigned = (cache: Cache, key: string, writer: string, turn = 0): Effect.Effect<boolean, CacheError> =>
  cache.set(key, signed(key, writer, turn))

/** Reads what is there, if it is this key's and this writer's; a miss is a miss. */
export const readSigned = (
  cache: Cache,
  key: string,
  writer: string
): Effect.Effect<Option.Option<Signed>, CacheError> =>
  Effect.map(
    cache.get(key),
    Option.map((value) => assertSigned(value, key, writer))
  )
