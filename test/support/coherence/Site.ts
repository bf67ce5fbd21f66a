/** The servers of a torture, as those who write and those who break things see them. */
import type { Effect, Layer } from "effect"
import type { ValkeyClient } from "effect-vcache"
import type { ValkeyServer } from "../ValkeyServer.ts"
import type { Access } from "./Access.ts"
import type { Fault } from "./faults.ts"
import type { Torture } from "./Torture.ts"

export interface Site {
  /** Each of them is behind a proxy for each reader. */
  readonly servers: ReadonlyArray<ValkeyServer>
  /** Those that have keys now. */
  readonly primaries: Effect.Effect<ReadonlyArray<ValkeyServer>>
  /** How a reader reaches them where each of them has the given address; or the client that all in this process share. */
  readonly access: ((addressOf: AddressOf) => Access) | Layer.Layer<ValkeyClient>
  /** Sends a command to the server that has the key now, as often as it takes. All keys of the command have its slot. */
  readonly ask: (key: string, name: string, ...args: ReadonlyArray<string | number>) => Effect.Effect<unknown>
  /** What only such servers can do, besides what all can. */
  readonly faults: (torture: Torture) => ReadonlyArray<Fault>
  /** What cannot be made good again, and comes last. */
  readonly finale?: ((torture: Torture) => Effect.Effect<void>) | undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

export type AddressOf = (server: ValkeyServer) => Address

export const urlOf = ({ host, port }: Address): string => `valkey://${host}:${port}`
