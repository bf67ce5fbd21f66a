/** Who serves which slot. */
import { checkEndpoint, type Endpoint } from "../../../schema/connectionUrl.ts"
import { type NatMap, translate } from "../../../schema/natMap.ts"
import { nodeName } from "../Link.ts"
import { slotCount } from "./slot.ts"

/** The servers of some slots, by their names. */
export interface Shard {
  readonly primary: string
  readonly replicas: ReadonlyArray<string>
}

/** A primary without slots, and which server has named it. */
export interface EmptyPrimary extends Endpoint {
  readonly namedBy: string
}

export interface SlotTable {
  /** By slot; a slot that nobody serves has none. */
  readonly shards: Array<Shard | undefined>
  readonly endpoints: Map<string, Endpoint>
  /** Primaries without slots, where they were asked for. */
  readonly empty: ReadonlyMap<string, EmptyPrimary>
  /** The ids of the servers, where they tell them. */
  readonly ids: ReadonlyMap<string, string>
  /** Grows with every failover. Zero where the server does not tell it. */
  readonly epoch: number
}

/** Reads the reply of CLUSTER SLOTS, undefined where it is none. `asked` answered it: a server that does not know its own host is there. */
export const parseSlots = (reply: unknown, asked: Endpoint, natMap: NatMap): SlotTable | undefined => {
  if (!Array.isArray(reply)) return undefined
  const shards: Array<Shard | undefined> = Array.from({ length: slotCount }, () => undefined)
  const endpoints = new Map<string, Endpoint>()
  const ids = new Map<string, string>()
  const known = new Map<string, Shard>()
  for (const range of reply) {
    if (!Array.isArray(range)) return undefined
    const [start, end, ...servers]: ReadonlyArray<unknown> = range
    if (!isSlot(start) || !isSlot(end)) return undefined
    if (!servers.every((server) => Array.isArray(server))) return undefined
    const [primary, ...others] = servers.map((server) => {
      const endpoint = endpointOf(server, asked)
      if (endpoint === undefined) return undefined
      const translated = translate(endpoint, natMap)
      const node = nodeName(translated)
      endpoints.set(node, translated)
      if (isNodeId(server[2])) ids.set(node, server[2])
      return node
    })
    // Nobody knows where it is: its slots are served by nobody, those of others are.
    if (primary === undefined) continue
    const replicas = others.filter((replica) => replica !== undefined)
    // One object a shard, so that slots of the same shard are seen to be.
    const key = [primary, ...replicas].join(" ")
    const shard = known.get(key) ?? { primary, replicas }
    known.set(key, shard)
    shards.fill(shard, start, end + 1)
  }
  return { shards, endpoints, empty: new Map(), ids, epoch: 0 }
}

/** `MOVED 3999 host:port` and `ASK …`, with a host that may be missing or hold colons. */
export const parseRedirect = (
  message: string,
  from: Endpoint,
  natMap: NatMap
): { readonly kind: "MOVED" | "ASK"; readonly slot: number; readonly endpoint: Endpoint } | undefined => {
  const words = /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(message.trim())
  if (words === null) return undefined
  const slot = Number(words[2])
  const host = words[3] === "" || words[3] === "?" ? from.host : words[3]
  const endpoint = checkEndpoint(host, Number(words[4]), 0)
  if (endpoint === undefined || !isSlot(slot)) return undefined
  return { kind: words[1] === "ASK" ? "ASK" : "MOVED", slot, endpoint: translate(endpoint, natMap) }
}

export const isNodeId = (id: unknown): id is string => typeof id === "string" && /^[0-9a-f]{40}$/.test(id)

const isSlot = (slot: unknown): slot is number =>
  Number.isInteger(slot) && Number(slot) >= 0 && Number(slot) < slotCount

const endpointOf = (server: ReadonlyArray<unknown>, asked: Endpoint): Endpoint | undefined => {
  const [host, port, , metadata] = server
  // An empty or missing host: the one that was asked; "?": a server without the host name that the cluster prefers.
  const known = host === "?" ? addressIn(metadata) : host === "" || host === null ? asked.host : String(host)
  return known === undefined ? undefined : checkEndpoint(known, Number(port), 0)
}

/** The address among names and values in turn. */
const addressIn = (metadata: unknown): string | undefined => {
  const at = Array.isArray(metadata) ? metadata.indexOf("ip") : -1
  return at < 0 || !Array.isArray(metadata) ? undefined : String(metadata[at + 1])
}
