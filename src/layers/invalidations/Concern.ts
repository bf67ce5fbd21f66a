/** The keys that a command of this client concerns, for those who keep values of them. */
import type { Invalidation } from "../../schema/Invalidation.ts"
import type { WireArg } from "../../schema/Command.ts"
import { type CommandRow, keysOf } from "../commands/CommandRow.ts"

/**
 * A command is told of twice: what it changes when it is sent, because a read that follows it must not be answered with what was
 * there before; and all it concerns when it is settled, because a read that was answered meanwhile may be older.
 */
export class Concern {
  readonly #tell: (event: Invalidation) => void
  readonly #event: Invalidation
  readonly #changes: boolean

  constructor(tell: (event: Invalidation) => void, event: Invalidation, changes: boolean) {
    this.#tell = tell
    this.#event = event
    this.#changes = changes
  }

  sent(): void {
    if (this.#changes) this.#tell(this.#event)
  }

  settled(): void {
    this.#tell(this.#event)
  }
}

/** Undefined where the command concerns no key. */
export const concernOf = (
  row: CommandRow,
  args: ReadonlyArray<WireArg>,
  tell: (event: Invalidation) => void
): Concern | undefined => {
  if (row.everyKey === true) {
    return new Concern(tell, { _tag: "Everything", server: undefined, reason: row.name }, true)
  }
  const keys = keysOf(row, args)
  if (keys.length === 0) return undefined
  return new Concern(tell, { _tag: "Keys", keys: keys.map(String), own: true }, row.changes)
}
