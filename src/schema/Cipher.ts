/** Ciphers: what is stored can be read only with the key, and only where it was stored. */
import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject, randomBytes } from "node:crypto"
import type { Redacted } from "effect"
import { CacheInputError } from "./CacheError.ts"
import { reveal } from "./reveal.ts"

/**
 * What a cache encrypts its values with. `Cipher.aes256gcm` makes one.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { CacheMemory, CacheService, Cipher } from "effect-vcache"
 *
 * // 32 bytes, from wherever the program has its secrets. More keys read what older ones have written.
 * const cipher = Cipher.aes256gcm([Redacted.make("11".repeat(32))])
 * const program = CacheService.use((cache) =>
 *   Effect.andThen(cache.set("card", "4111 1111"), cache.client.send("GET", [cache.makeKey("card")]))
 * )
 * const stored = Effect.runSync(Effect.provide(program, CacheMemory.layer({ cipher })))
 * console.log(String(stored).includes("4111"))
 * // => false
 * ```
 *
 * @since 0.2.0
 * @category formats
 * @see docs/values.md
 */
export interface Cipher {
  /** The name of the format in what is stored: a letter, then up to 31 letters, digits, `.`, `_` or `-`. */
  readonly id: string
  /** Encrypts bytes. `associated` names the entry; it is not stored, and decryption must fail where it differs. */
  readonly encrypt: (bytes: Uint8Array, associated: Uint8Array) => Uint8Array
  /** Returns what `encrypt` was given. It throws where the bytes are damaged, their key is unknown, or `associated` differs. */
  readonly decrypt: (bytes: Uint8Array, associated: Uint8Array) => Uint8Array
}

type Key = Redacted.Redacted<string | Uint8Array>

const keyIdBytes = 4
const nonceBytes = 12
const tagBytes = 16

const options = { authTagLength: tagBytes }

interface KnownKey {
  readonly id: Buffer
  readonly key: KeyObject
}

const read = (redacted: Key): KnownKey => {
  const value = reveal(redacted) ?? ""
  const bytes = typeof value === "string" ? fromText(value) : Buffer.from(value)
  if (bytes.length !== 32) {
    throw new CacheInputError({
      operation: "Cipher.aes256gcm",
      reason: "a key must have 32 bytes, given as bytes, as 64 hexadecimal digits or as base64, and must not be wiped"
    })
  }
  const id = createHash("sha256").update("effect-vcache key").update(bytes).digest().subarray(0, keyIdBytes)
  return { id, key: createSecretKey(bytes) }
}

const fromText = (text: string): Buffer =>
  /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, "hex")
    : Buffer.from(/^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? text : "", "base64")

/** A key's id, a random nonce, the encrypted bytes, their tag. */
const aes256gcm = (keys: readonly [Key, ...ReadonlyArray<Key>]): Cipher => {
  const known = keys.map(read)
  const [first] = known
  if (first === undefined) throw new CacheInputError({ operation: "Cipher.aes256gcm", reason: "give at least one key" })
  return {
    id: "aes256gcm",
    encrypt: (bytes, associated) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv("aes-256-gcm", first.key, nonce, options).setAAD(associated)
      return Buffer.concat([first.id, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    decrypt: (bytes, associated) => {
      const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      if (stored.length < keyIdBytes + nonceBytes + tagBytes) throw new RangeError("too short")
      const id = stored.subarray(0, keyIdBytes)
      const key = known.find((key) => key.id.equals(id))?.key
      if (key === undefined) throw new TypeError("none of the keys")
      const nonce = stored.subarray(keyIdBytes, keyIdBytes + nonceBytes)
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, options)
        .setAAD(associated)
        .setAuthTag(stored.subarray(-tagBytes))
      return Buffer.concat([decipher.update(stored.subarray(keyIdBytes + nonceBytes, -tagBytes)), decipher.final()])
    }
  }
}

export const Cipher = {
  /**
   * Returns a cipher for AES-256-GCM. It writes with the first key and reads with any: to rotate, put the new key first, and drop
   * the old one when what it wrote has expired. A key is 32 bytes, given as bytes, as 64 hexadecimal digits or as base64; anything
   * else throws a `CacheInputError`. Nonces are random: rotate before a key has written 2^32 values.
   */
  aes256gcm
}
