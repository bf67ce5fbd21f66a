/** What SCAN and its relatives are asked for. */
import { isKeyType, type WireArg } from "../../../schema/Command.ts"
import { ServerReply, syntaxError } from "../store/ServerReply.ts"
import { int64, keyword, textOf } from "./arguments.ts"

/** Where a scan goes on; refused where it is no number. */
export const cursorOf = (arg: WireArg | undefined): string => {
  const text = textOf(arg ?? "")
  if (!/^\d{1,20}$/.test(text)) throw new ServerReply("ERR invalid cursor")
  return text
}

/** `ofKeys`: what is scanned has types. */
export const scanOptions = (words: ReadonlyArray<WireArg>, ofKeys: boolean) => {
  let match: string | undefined
  let type: string | undefined
  let count = 10
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1]
    if (value === undefined) throw syntaxError()
    switch (keyword(words[i]!)) {
      case "MATCH":
        match = textOf(value)
        break
      case "COUNT":
        count = Number(int64(value))
        if (count < 1) throw syntaxError()
        break
      case "TYPE":
        if (!ofKeys) throw syntaxError()
        type = textOf(value).toLowerCase()
        if (!isKeyType(type)) throw new ServerReply(`ERR unknown type name '${textOf(value)}'`)
        break
      default:
        throw syntaxError()
    }
  }
  return { match, type, count }
}
