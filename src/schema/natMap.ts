/** Where to find servers that call themselves by an address that cannot be reached from here. */
import { checkEndpoint, type Endpoint, endpointName } from "./connectionUrl.ts"
import type { Fields } from "./Fields.ts"

/**
 * By "host:port", with an IPv6 host in brackets.
 *
 * @since 0.2.0
 * @category clients
 * @see docs/cluster.md
 */
export type NatMapOptions = Readonly<Record<string, { readonly host: string; readonly port: number }>>

export type NatMap = ReadonlyMap<string, Endpoint>

export const natMapOf = (fields: Fields, options: NatMapOptions = {}): NatMap => {
  const natMap = new Map<string, Endpoint>()
  for (const [name, { host, port }] of Object.entries(options)) {
    const endpoint = checkEndpoint(host, port, 0)
    fields.require(endpoint !== undefined && /:\d+$/.test(name), "natMap", 'must map "host:port" to a host and port')
    if (endpoint !== undefined) natMap.set(name, endpoint)
  }
  return natMap
}

/** The address at which a server is reached that names itself so. */
export const translate = (endpoint: Endpoint, natMap: NatMap): Endpoint =>
  natMap.get(endpointName(endpoint)) ?? endpoint
