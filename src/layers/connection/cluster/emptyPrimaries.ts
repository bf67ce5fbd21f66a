/** Primaries without slots. One that a slot is moving to has keys of it already, of which nobody else tells. */
import { checkEndpoint, type Endpoint } from "../../../schema/connectionUrl.ts"
import { type NatMap, translate } from "../../../schema/natMap.ts"
import { nodeName } from "../Link.ts"
import type { EmptyPrimary } from "./SlotTable.ts"

/** By the reply of CLUSTER NODES. `asked` gave it: a server that does not know its own host is there. */
export const emptyPrimaries = (reply: unknown, asked: Endpoint, natMap: NatMap): ReadonlyMap<string, EmptyPrimary> => {
  const empty = new Map<string, EmptyPrimary>()
  for (const line of String(reply).split("\n")) {
    const [, address = "", flags = "", , , , , , ...slots] = line.trim().split(" ")
    const names = flags.split(",")
    const hasSlots = slots.some((slot) => !slot.startsWith("["))
    if (!names.includes("master") || hasSlots || names.some((name) => unreachable.has(name))) continue
    const [, host = "", port] = /^(.*):(\d+)(?:@|$)/.exec(address.split(",")[0] ?? "") ?? []
    const endpoint = checkEndpoint(host === "" ? asked.host : host, Number(port), 0)
    if (endpoint === undefined) continue
    const translated = translate(endpoint, natMap)
    empty.set(nodeName(translated), { ...translated, namedBy: nodeName(asked) })
  }
  return empty
}

const unreachable: ReadonlySet<string> = new Set(["fail", "handshake", "noaddr"])
