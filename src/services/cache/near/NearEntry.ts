/** A key whose value, or absence, is kept in this process. */
import type { Header } from "../../../schema/frame.ts"
import type { ServerProof } from "./ServerProof.ts"

/** What is kept of a reply: one form of the value, never two. */
export interface Kept {
  /** The stored form, in bytes, that nobody has looked at. */
  readonly isRaw?: boolean
  /** The codec that decoded the value, which is for readers with the same one; undefined where `value` is as the server stores it. */
  readonly codec: object | undefined
  /** The frozen value, its stored form, or `absent`. */
  readonly value: unknown
  /** The header of the stored form, where it had one. */
  readonly header: Header | undefined
  /** Of the stored form. */
  readonly bytes: number
}

/** The server has no such key. */
export const absent: unique symbol = Symbol("absent")

export class NearEntry implements Kept {
  readonly key: string
  codec: object | undefined
  value: unknown
  header: Header | undefined
  /** Nobody has looked at it yet: the stored form, in bytes, which its first reader puts into the form in which it is kept. */
  isRaw: boolean
  /** Of the key and the stored form. */
  readonly bytes: number
  /** The instant at which its lifetime ends. */
  readonly expiresAt: number
  /** Of the server that announces its changes. */
  readonly proof: ServerProof
  /** Of the `RecencyList`. */
  older: NearEntry | undefined = undefined
  newer: NearEntry | undefined = undefined

  constructor(
    key: string,
    { bytes, codec, header, isRaw = false, value }: Kept,
    expiresAt: number,
    proof: ServerProof
  ) {
    this.key = key
    this.codec = codec
    this.value = value
    this.header = header
    this.isRaw = isRaw
    this.bytes = Buffer.byteLength(key) + bytes
    this.expiresAt = expiresAt
    this.proof = proof
  }

  /** Its first reader has looked at it. */
  refine({ codec, header, value }: Kept): void {
    this.isRaw = false
    this.codec = codec
    this.header = header
    this.value = value
  }
}
