/** What was done in the second store, and is to be done in the first before that is used again. */
import type { Reply, WireArg } from "../../schema/Command.ts"
import { keysOf } from "../commands/CommandRow.ts"
import { endsNow } from "../commands/endsNow.ts"
import { keysAt } from "../commands/keyPlaces.ts"
import { DeletedPatterns } from "./DeletedPatterns.ts"
import { KeySet } from "./KeySet.ts"
import { isFlush, type Told } from "./told.ts"

export class Arrears {
  flush: string | undefined
  readonly patterns = new DeletedPatterns()
  /** Commands that are to be repeated. */
  readonly removals = new Map<string, Told>()
  /** Keys that are to be deleted. */
  readonly forgotten = new KeySet()

  get isEmpty(): boolean {
    return this.isLittle(0)
  }

  /** Nothing that takes long: no patterns, and few keys and commands. */
  isLittle(limit: number): boolean {
    return this.flush === undefined && this.patterns.isEmpty && this.removals.size + this.forgotten.size <= limit
  }

  /**
   * The keys that are now to be forgotten, by what the second replied; `undefined` where nobody knows whether it was
   * executed. Of a script only its keys are known; the commands of a twin are noted one by one instead.
   */
  note(command: Told, reply: Reply | undefined, now: number): ReadonlyArray<WireArg> {
    const { args, row, script } = command
    if (script !== undefined) return script.uses === "reads" ? [] : this.#forget(keysOf(row, args))
    if (isFlush(row)) {
      this.#clear()
      this.flush = row.name
      return []
    }
    if (!row.changes) return []
    if (row.keys.every(({ use }) => use === "removes")) {
      this.removals.set([row.name, ...args.map((arg) => arg.toString("latin1"))].join("\n"), command)
      return []
    }
    const changed = reply === undefined || row.changed(reply, args)
    // What was popped had been put there, so that its key is known, or is none of ours.
    const places = row.keys.filter(
      ({ use }) => use !== "reads" && use !== "pops" && (changed || (use === "retimes" && endsNow(row, args, now)))
    )
    return this.#forget(places.flatMap((place) => keysAt(place, args)))
  }

  /** All of it, which is then here no more. */
  take(): Arrears {
    const taken = new Arrears()
    taken.addAll(this)
    this.#clear()
    return taken
  }

  addAll(others: Arrears): void {
    this.flush ??= others.flush
    for (const deletion of others.patterns.all()) this.patterns.add(deletion)
    for (const [id, command] of others.removals) this.removals.set(id, command)
    for (const key of others.forgotten.all()) this.forgotten.add(key)
  }

  #forget(keys: ReadonlyArray<WireArg>): ReadonlyArray<WireArg> {
    for (const key of keys) this.forgotten.add(key)
    return keys
  }

  #clear(): void {
    this.flush = undefined
    this.patterns.clear()
    this.removals.clear()
    this.forgotten.clear()
  }
}
