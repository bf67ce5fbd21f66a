/** Changes of the store in this process, which are announced as they happen. */
import type { Reply, WireArg } from "../../../schema/Command.ts"
import { type CommandRow, keysOf } from "../../commands/CommandRow.ts"
import type { Announcer, Coverage } from "../../invalidations/Announcer.ts"
import { ClientInvalidations } from "../../invalidations/ClientInvalidations.ts"
import { ReplyOrder } from "../../invalidations/ReplyOrder.ts"

/** The name of the store in events. */
export const memoryServer = "memory"

/** Nothing happens here without being announced: the proof is of all time to come. */
const announcer: Announcer = {
  cover: ({ tell }: Coverage) => {
    tell({ _tag: "Live", server: memoryServer })
    tell({ _tag: "Proof", server: memoryServer, sentAt: Infinity })
  },
  close: () => {}
}

export class MemoryAnnouncer {
  readonly invalidations = new ClientInvalidations({ broadcast: announcer, perKey: announcer })

  /** Of the reads whose values are kept. */
  readonly order = new ReplyOrder()

  /** After a command has run. */
  ran(row: CommandRow, args: ReadonlyArray<WireArg>, reply: Reply): void {
    const { isWatched, tellOwn } = this.invalidations
    if (!isWatched || !row.changes || !row.changed(reply, args)) return
    if (row.everyKey === true) return tellOwn({ _tag: "Everything", server: undefined, reason: row.name })
    const keys = keysOf(row, args)
    if (keys.length > 0) tellOwn({ _tag: "Keys", keys: keys.map(String), own: true })
  }

  /** A key has expired, or made room for others. */
  readonly lost = (key: string): void => {
    if (this.invalidations.isWatched) this.invalidations.tellOwn({ _tag: "Keys", keys: [key], own: false })
  }
}
