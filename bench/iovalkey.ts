/** iovalkey as its documentation says, for each topology. */
import { Cluster, Redis } from "iovalkey"

export const openIovalkey = async (url: string, enableAutoPipelining: boolean): Promise<Redis | Cluster> => {
  const [scheme = "", rest = ""] = url.split("://")
  const [hosts = "", name = ""] = rest.split("/")
  const endpoints = hosts.split(",").map((place) => {
    const [host = "", port] = place.split(":")
    return { host, port: Number(port) }
  })
  const client =
    scheme === "cluster"
      ? new Cluster(endpoints, { enableAutoPipelining })
      : scheme === "sentinel"
        ? new Redis({ sentinels: endpoints, name, enableAutoPipelining })
        : new Redis({ ...endpoints[0], enableAutoPipelining })
  if (client.status !== "ready") await new Promise((resolve) => client.once("ready", resolve))
  return client
}
