/** The protocol's frames as bytes. */

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
