/** Lifetimes that are over as soon as they are set: the command deletes the key. */
import type { WireArg } from "../../schema/Command.ts"
import type { CommandRow } from "./CommandRow.ts"

/** Milliseconds a unit, and whether it counts from 1970. */
interface Clock {
  readonly unit: number
  readonly absolute: boolean
}

const commands: Readonly<Record<string, Clock>> = {
  EXPIRE: { unit: 1000, absolute: false },
  PEXPIRE: { unit: 1, absolute: false },
  EXPIREAT: { unit: 1000, absolute: true },
  PEXPIREAT: { unit: 1, absolute: true }
}

/** GETEX takes no lifetime below one, but an instant that is over. */
const options: Readonly<Record<string, Clock>> = {
  EXAT: { unit: 1000, absolute: true },
  PXAT: { unit: 1, absolute: true }
}

/** `now` in milliseconds since 1970. */
export const endsNow = ({ name }: CommandRow, args: ReadonlyArray<WireArg>, now: number): boolean => {
  const option = String(args[1]).toUpperCase()
  const [clock, value] = name === "GETEX" ? [options[option], args[2]] : [commands[name], args[1]]
  return clock !== undefined && Number(value) * clock.unit <= (clock.absolute ? now : 0)
}
