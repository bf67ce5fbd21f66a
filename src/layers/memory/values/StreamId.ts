/** The identifier of a stream entry: two numbers of 64 bits, as one of 128. */
export type StreamId = bigint

const half = 64n
export const maxHalf = 2n ** half - 1n

export const firstId: StreamId = 0n
export const maxId: StreamId = 2n ** 128n - 1n

export const idOf = (millis: bigint, sequence: bigint): StreamId => (millis << half) | sequence
export const millisOf = (id: StreamId): bigint => id >> half
export const sequenceOf = (id: StreamId): bigint => id & maxHalf
export const formatId = (id: StreamId): string => `${millisOf(id)}-${sequenceOf(id)}`
