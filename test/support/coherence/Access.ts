/** How a process reaches the servers of a site, in a form that can be sent to it. */
import { Layer } from "effect"
import {
  type CommandError,
  type ValkeyClient,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeyRing,
  ValkeySentinel,
  ValkeyStandalone
} from "effect-vcache"

export type Access =
  | { readonly topology: "standalone"; readonly url: string }
  | { readonly topology: "replicated"; readonly urls: ReadonlyArray<string> }
  | { readonly topology: "sentinel" | "cluster"; readonly url: string; readonly natMap: NatMap }
  | { readonly topology: "ring"; readonly urls: ReadonlyArray<{ readonly url: string; readonly name: string }> }

type NatMap = Readonly<Record<string, { readonly host: string; readonly port: number }>>

/** What a reader's connections are called, so that faults find them. */
export const clientName = "reader"

const connection = {
  commandTimeout: "20 seconds",
  socketTimeout: "30 seconds",
  reconnect: { base: 20, max: 50 },
  clientName
} as const

export const clientOf = (access: Access): Layer.Layer<ValkeyClient, CommandError> => {
  switch (access.topology) {
    case "standalone":
      return ValkeyStandalone.layer({ ...connection, url: access.url })
    case "replicated":
      return ValkeyReplicated.layer({ ...connection, urls: access.urls })
    case "sentinel":
      return ValkeySentinel.layer({ ...connection, url: access.url, natMap: access.natMap })
    case "cluster":
      return ValkeyCluster.layer({ ...connection, url: access.url, natMap: access.natMap })
    case "ring":
      return ValkeyRing.layer({ ...connection, urls: access.urls })
  }
}
