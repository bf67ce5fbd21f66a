/** The first byte of each form of MessagePack, and the types of its extensions that are ours. */

export const forms = {
  fixMap: 0x80,
  fixArray: 0x90,
  fixText: 0xa0,
  nil: 0xc0,
  false: 0xc2,
  true: 0xc3,
  bytes8: 0xc4,
  bytes16: 0xc5,
  bytes32: 0xc6,
  extension8: 0xc7,
  extension16: 0xc8,
  extension32: 0xc9,
  float32: 0xca,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  uint64: 0xcf,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  int64: 0xd3,
  fixExtension1: 0xd4,
  fixExtension2: 0xd5,
  fixExtension4: 0xd6,
  fixExtension8: 0xd7,
  fixExtension16: 0xd8,
  text8: 0xd9,
  text16: 0xda,
  text32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  negative: 0xe0
} as const

/** Types from 0 on are the application's own; those below belong to MessagePack. Here as bytes. */
export const extensions = {
  /** Keys and values in turn, as an array. */
  map: 1,
  /** An array. */
  set: 2,
  /** Decimal digits, as text. */
  bigint: 3,
  timestamp: 0xff
} as const
