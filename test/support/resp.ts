/** The protocol's frames as bytes. */

export const status = (text: string): string => `+${text}\r\n`
export const failure = (text: string): string => `-${text}\r\n`
export const integer = (number: number): string => `:${number}\r\n`
/** Of Latin letters only, so that characters are bytes. */
export const bulk = (text: string | null): string => (text === null ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`)
export const list = (items: ReadonlyArray<string>): string => `*${items.length}\r\n${items.join("")}`
export const texts = (items: ReadonlyArray<string>): string => list(items.map(bulk))

/** Where the frame that starts at `at` ends; undefined where some of it is missing, or where it is none. */
export const frameEnd = (bytes: Buffer, at = 0): number | undefined => {
  const lineEnd = bytes.indexOf("\r\n", at, "latin1")
  if (lineEnd < 0) return undefined
  let end = lineEnd + 2
  const length = Number(bytes.toString("latin1", at + 1, lineEnd))
  switch (bytes[at]) {
    case 0x24: // $
      if (length >= 0) end += length + 2
      return end <= bytes.length ? end : undefined
    case 0x2a: // *
      for (let i = 0; i < length; i++) {
        const next = frameEnd(bytes, end)
        if (next === undefined) return undefined
        end = next
      }
      return end
    default:
      return end
  }
}

/** The whole frames at the start of the bytes, and what is left. */
export const framesOf = (bytes: Buffer): { readonly frames: ReadonlyArray<Buffer>; readonly rest: Buffer } => {
  const frames: Array<Buffer> = []
  let at = 0
  for (;;) {
    const end = frameEnd(bytes, at)
    if (end === undefined) return { frames, rest: bytes.subarray(at) }
    frames.push(bytes.subarray(at, end))
    at = end
  }
}

/** The arguments of a request. */
export const wordsOf = (request: Buffer): ReadonlyArray<string> => {
  const words: Array<string> = []
  let at = request.indexOf("\r\n") + 2
  while (at < request.length) {
    const start = request.indexOf("\r\n", at) + 2
    const end = start + Number(request.toString("latin1", at + 1, start - 2))
    words.push(request.toString("latin1", start, end))
    at = end + 2
  }
  return words
}
