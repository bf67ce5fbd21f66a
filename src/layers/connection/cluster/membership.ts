/**
 * Which servers belong to a cluster. An address is not enough: a server of another cluster may be where one of ours was. The id of
 * a server is its own, and is the same for all who name it.
 */
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import type { NatMap } from "../../../schema/natMap.ts"
import { NoConnection } from "../ConnectionFailure.ts"
import type { Step } from "../handshake.ts"
import { nodeName } from "../Link.ts"
import { isNodeId, parseSlots, type SlotTable } from "./SlotTable.ts"

/** The code of a connection that was not made because another server is at the address. */
export const otherServer = "OTHER_SERVER"

const stranger = () => new NoConnection(otherServer, "another server is at this address now")

/** Whether both tables are of one cluster. Where one of them names no ids, nobody can say that they are not. */
export const isSameCluster = (one: SlotTable, other: SlotTable): boolean => {
  if (one.ids.size === 0 || other.ids.size === 0) return true
  const ids = new Set(one.ids.values())
  return [...other.ids.values()].some((id) => ids.has(id))
}

/** What is asked on a new connection to the endpoint, by the table that is known. */
export const membershipSteps = (table: SlotTable, endpoint: Endpoint, natMap: NatMap): ReadonlyArray<Step> => {
  // Nothing is known yet, or servers tell nobody their ids.
  if (table.ids.size === 0) return []
  const id = table.ids.get(nodeName(endpoint))
  if (id !== undefined) {
    return [
      {
        name: "CLUSTER",
        args: ["MYID"],
        ignore: isUntold,
        check: (reply) => (isNodeId(reply) && reply !== id ? stranger() : undefined)
      }
    ]
  }
  // It serves no slots yet, or was named by another server just now. One of ours knows the others.
  return [
    {
      name: "CLUSTER",
      args: ["SLOTS"],
      ignore: isUntold,
      check: (reply) => {
        const own = parseSlots(reply, endpoint, natMap)
        return own !== undefined && !isSameCluster(table, own) ? stranger() : undefined
      }
    }
  ]
}

/** Some users may not ask, and some proxies do not know. A server that has left its cluster says so. */
const isUntold = (reply: string): boolean => !reply.includes("cluster support disabled")

/** The newest of the tables that more than half of all configured addresses agree on; undefined where they do not. */
export const agreedTable = (tables: ReadonlyArray<SlotTable>, configured: number): SlotTable | undefined =>
  tables
    .map((table) => tables.filter((other) => isSameCluster(table, other)))
    .filter((alike) => alike.length > configured / 2)
    .flat()
    .toSorted((a, b) => b.epoch - a.epoch)[0]
