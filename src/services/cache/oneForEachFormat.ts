/** Codecs that are made once, so that views of one type and format read each other's near values. */
import type { FormatOptions } from "../../schema/Formats.ts"

/** Formats that are remembered; a program has few, unless it makes new ones for every call. */
const most = 16

export const oneForEachFormat = <Codec>(make: (format: FormatOptions) => Codec): ((format: FormatOptions) => Codec) => {
  const known: Array<{ readonly format: FormatOptions; readonly codec: Codec }> = []
  return (format) => {
    const { codec } = known.find((one) => isSame(one.format, format)) ?? { codec: undefined }
    if (codec !== undefined) return codec
    const made = make(format)
    if (known.length >= most) known.shift()
    known.push({ format, codec: made })
    return made
  }
}

const isSame = (a: FormatOptions, b: FormatOptions): boolean =>
  a.serializer === b.serializer && a.compressor === b.compressor && a.cipher === b.cipher && a.limits === b.limits
