/** Where a command's keys are among its arguments, and whether it only reads them. */
import { exists, getKeyIndexes, hasFlag } from "@iovalkey/commands"
import type { WireArg } from "../../schema/Command.ts"

interface Shape {
  /** `first`: exactly the first argument. `second`: the one after a subcommand. `varies`: the arguments say. */
  readonly keys: "none" | "first" | "second" | "varies"
  readonly reads: boolean
  readonly lowerName: string
}

/** Commands with subcommands, which the table of commands knows no keys of. */
const containers: ReadonlySet<string> = new Set(["object", "xinfo", "xgroup"])
const containersThatRead: ReadonlySet<string> = new Set(["object", "xinfo"])

const shapes = new Map<string, Shape>()

const shapeOf = (name: string): Shape => {
  const known = shapes.get(name)
  if (known !== undefined) return known
  const shape = makeShape(name.toLowerCase())
  if (shapes.size < 1000) shapes.set(name, shape)
  return shape
}

const makeShape = (lowerName: string): Shape => {
  if (containers.has(lowerName)) return { keys: "second", reads: containersThatRead.has(lowerName), lowerName }
  if (lowerName === "memory") return { keys: "varies", reads: false, lowerName }
  // A command of a module, which by convention starts with its key.
  if (!exists(lowerName)) return { keys: "first", reads: false, lowerName }
  const keys = hasFlag(lowerName, "movablekeys") ? "varies" : fixedKeys(lowerName)
  return { keys, reads: keys !== "none" && hasFlag(lowerName, "readonly"), lowerName }
}

const fixedKeys = (lowerName: string): Shape["keys"] => {
  const indexes = getKeyIndexes(lowerName, ["a", "b", "c"])
  if (indexes.length === 0) return "none"
  return indexes.length === 1 && indexes[0] === 0 ? "first" : "varies"
}

export const keysOf = (name: string, args: ReadonlyArray<WireArg>): ReadonlyArray<WireArg> => {
  const { keys, lowerName } = shapeOf(name)
  switch (keys) {
    case "none":
      return []
    case "first":
      return args.slice(0, 1)
    case "second":
      return args.slice(1, 2)
    case "varies":
      if (lowerName === "memory") return String(args[0]).toLowerCase() === "usage" ? args.slice(1, 2) : []
      return getKeyIndexes(lowerName, [...args])
        .map((index) => args[index])
        .filter((key) => key !== undefined)
  }
}

/** The only key, where it is the first argument whatever the others are. */
export const onlyKey = (name: string, args: ReadonlyArray<WireArg>): WireArg | undefined =>
  shapeOf(name).keys === "first" ? args[0] : undefined

/** It has keys and changes none of them: any copy of them will do, and it can be asked twice. */
export const isRead = (name: string): boolean => shapeOf(name).reads
