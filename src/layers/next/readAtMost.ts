/** Returns the bytes of a web stream. Where there are more than `maxBytes` it cancels the stream and returns undefined. */
export const readAtMost = async (
  stream: ReadableStream<Uint8Array>,
  maxBytes: number
): Promise<Uint8Array | undefined> => {
  const reader = stream.getReader()
  const chunks: Array<Uint8Array> = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks, length)
    length += value.length
    if (length > maxBytes) break
    chunks.push(value)
  }
  leave(reader)
  return undefined
}

/** Cancels without waiting: where others read the same source, the cancellation ends when they have left as well. */
export const leave = (unread: { readonly cancel: () => Promise<void> }): void => void unread.cancel().catch(() => {})
