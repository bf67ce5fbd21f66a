/** Which of a cluster's 16 384 slots a key belongs to. */
import { CacheUnsupportedError } from "../../../schema/CacheError.ts"
import type { Topology, WireArg } from "../../../schema/Command.ts"
import { type CommandRow, keysOf } from "../../commands/CommandRow.ts"

export const slotCount = 16_384

/** CRC16/XMODEM, byte by byte. */
const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

// Not cluster-key-slot, on which iovalkey depends: it misplaces keys with an empty tag, such as "{}a}".
export const slotOfKey = (key: WireArg): number => {
  const tagged = typeof key === "string" ? tagOf(key) : Buffer.from(tagOf(key.toString("latin1")), "latin1")
  let crc = 0
  if (typeof tagged === "string") {
    for (let i = 0; i < tagged.length; i++) {
      const unit = tagged.charCodeAt(i)
      if (unit > 127) return slotOfBytes(Buffer.from(tagged))
      crc = ((crc << 8) & 0xffff) ^ crcTable[(crc >> 8) ^ unit]!
    }
    return crc & (slotCount - 1)
  }
  return slotOfBytes(tagged)
}

const slotOfBytes = (bytes: Uint8Array): number => {
  let crc = 0
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ crcTable[(crc >> 8) ^ bytes[i]!]!
  return crc & (slotCount - 1)
}

/** What is between the first `{` and the `}` after it, unless that is nothing; else the whole key. */
const tagOf = (key: string): string => {
  const open = key.indexOf("{")
  if (open < 0) return key
  const close = key.indexOf("}", open + 1)
  return close < 0 || close === open + 1 ? key : key.slice(open + 1, close)
}

/** The slot of all keys of a command: `"none"` where it has no keys, `"several"` where they are of different slots. */
export const slotOfCommand = (row: CommandRow, args: ReadonlyArray<WireArg>): number | "none" | "several" => {
  // Where any server would do for a channel, the same one keeps its messages in order.
  if ((row.isOneKey || row.channel !== undefined) && args[0] !== undefined) return slotOfKey(args[0])
  return slotOfKeys(keysOf(row, args))
}

/** The slot that all of the commands have to be executed in. `hasPlace`: whether such a channel belongs to its slot's server. */
export const slotOfCommands = (
  commands: ReadonlyArray<{ readonly row: CommandRow; readonly args: ReadonlyArray<WireArg> }>,
  hasPlace: (channel: NonNullable<CommandRow["channel"]>) => boolean = (channel) => channel === "itsServer"
): number | "none" | "several" =>
  slotOfKeys(
    commands.flatMap(({ args, row }) =>
      row.channel !== undefined && hasPlace(row.channel) ? args.slice(0, 1) : keysOf(row, args)
    )
  )

/** Of sharded channels, which one server carries. */
export const slotOfChannels = (channels: ReadonlyArray<string>): number | "several" | undefined => {
  const slot = slotOfKeys(channels)
  return slot === "none" ? undefined : slot
}

export const slotOfKeys = (keys: ReadonlyArray<WireArg>): number | "none" | "several" => {
  const [first, ...more] = keys
  if (first === undefined) return "none"
  const slot = slotOfKey(first)
  return more.every((key) => slotOfKey(key) === slot) ? slot : "several"
}

/** What keys of different slots cannot be given to. */
export const acrossSlots = (operation: string, topology: Topology): CacheUnsupportedError =>
  new CacheUnsupportedError({
    operation,
    topology,
    reason: "its keys belong to different slots; give them the same hash tag, as in {tag}:a and {tag}:b"
  })

/** MULTI before a key has said on which server. */
export const withoutKey = (operation: string, topology: Topology): CacheUnsupportedError =>
  new CacheUnsupportedError({
    operation,
    topology,
    reason: "a transaction needs a server: WATCH a key first, or use `transaction`"
  })
