/** A command as a wire knows it: how it is written, and who is told of its reply. */
import type { WireArg } from "../../schema/Command.ts"
import type { RawReply } from "./RawReply.ts"
import { anyShape, type ReplyShape } from "../commands/replyShape.ts"
import { fits, shapeOf } from "./replyFit.ts"
import type { TurnWriter } from "./TurnWriter.ts"

export abstract class WireCommand {
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  /** Whether strings in its reply are wanted as text, not as bytes. */
  readonly asText: boolean
  readonly isForeign: boolean = false
  #shape: ReplyShape = anyShape

  constructor(name: string, args: ReadonlyArray<WireArg>, asText: boolean) {
    this.name = name
    this.args = args
    this.asText = asText
  }

  /** When somebody should have had the reply at the latest, by `performance.now`. */
  abstract readonly expiresAt: number

  /** Replies that come before the one that it is answered with, where it is several commands that are written as one. */
  ahead = 0

  /** One of those has come, perhaps an error. */
  take(_reply: RawReply): void {}
  /** One of those cannot be read. */
  lack(_error: Error): void {}

  // One of these two is called, once.

  /** The reply has come, perhaps an error. */
  abstract answer(reply: RawReply): void
  /** It was not written, its connection was lost, or its reply cannot be read. */
  abstract lose(error: Error): void

  /** Whether it can have such a reply. */
  fits(reply: RawReply): boolean {
    return fits(this.#shape, reply)
  }

  /** Writes the command as the protocol has it. */
  writeTo(writer: TurnWriter): void {
    const { args } = this
    const head = headOf(this.name, args.length)
    this.#shape = head.shape
    let { isAscii, text } = head
    // Adding up many parts would make a tree that is flattened later.
    const parts: Array<string> | undefined = args.length > 16 ? [] : undefined
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (isShortText(arg)) {
        const bytes = Buffer.byteLength(arg)
        if (bytes !== arg.length) isAscii = false
        if (parts === undefined) text += `$${bytes}\r\n${arg}\r\n`
        else parts.push(`$${bytes}\r\n${arg}\r\n`)
        continue
      }
      if (typeof arg === "string") {
        writer.text(parts === undefined ? text : text + parts.join(""), isAscii)
        writer.argument(arg)
      } else {
        writer.text(`${text}${parts?.join("") ?? ""}$${arg.length}\r\n`, isAscii)
        writer.bytes(arg)
      }
      text = "\r\n"
      if (parts !== undefined) parts.length = 0
    }
    writer.text(parts === undefined ? text : text + parts.join(""), isAscii)
  }
}

/** A longer one is encoded on its own: to put it into one text with others would copy it once more. */
const isShortText = (arg: WireArg): arg is string => typeof arg === "string" && arg.length <= 200

interface Head {
  readonly text: string
  readonly isAscii: boolean
  readonly shape: ReplyShape
}

/** What all commands of a name and number of arguments have in common. Names come from programs, so that there are few. */
const headOf = (name: string, args: number): Head => {
  const heads = (args < knownHeads.length && knownHeads[args]) || new Map<string, Head>()
  const known = heads.get(name)
  if (known !== undefined) return known
  const bytes = Buffer.byteLength(name)
  const head = {
    text: `*${args + 1}\r\n$${bytes}\r\n${name}\r\n`,
    isAscii: bytes === name.length,
    shape: shapeOf(name)
  }
  if (heads.size < 500) heads.set(name, head)
  return head
}
const knownHeads = Array.from({ length: 10 }, () => new Map<string, Head>())
