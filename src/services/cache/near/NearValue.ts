/** What is kept of a reply: one form of the value, never two. */
import type { Header } from "../../../schema/frame.ts"

/** As readers find it. */
export interface NearValue {
  /**
   * The codec that decoded the value, which is for readers with the same one; undefined where `value` is as the server stores it,
   * `unread` where nobody has looked at that yet.
   */
  readonly codec: object | undefined
  /** The frozen value, its stored form, or `absent`. */
  readonly value: unknown
  /** The header of the stored form, where it had one. */
  readonly header: Header | undefined
}

export interface Kept extends NearValue {
  /** Of the stored form. */
  readonly bytes: number
}

/** The server has no such key. */
export const absent: unique symbol = Symbol("absent")

/** In place of a codec: the stored form, in bytes, which its first reader puts into the form in which it is kept. */
export const unread: object = Object.freeze({})
