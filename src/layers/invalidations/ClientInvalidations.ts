/** What one client knows of changes: from servers, and from its own commands. */
import { type Duration, Effect } from "effect"
import type { WireArg } from "../../schema/Command.ts"
import type { Invalidation, Tracking } from "../../schema/Invalidation.ts"
import { toMillis } from "../../schema/timeToLive.ts"
import type { Invalidations } from "../../services/ValkeyClient.ts"
import type { CommandRow } from "../commands/CommandRow.ts"
import type { Announcer } from "./Announcer.ts"
import { changesOf } from "./changesOf.ts"
import { type Concern, concernOf } from "./Concern.ts"
import { InvalidationHub } from "./InvalidationHub.ts"

/** How each kind of tracking is done. */
export type Announcers = Readonly<Record<Tracking, Announcer>>

/** Milliseconds between two proofs where nobody asks for another time. */
const defaultHeartbeat = 500

export class ClientInvalidations implements Pick<Invalidations, "invalidations" | "changes"> {
  readonly #hubs: Readonly<Record<Tracking, InvalidationHub>>

  constructor(announcers: Announcers) {
    this.#hubs = {
      broadcast: new InvalidationHub(announcers.broadcast),
      perKey: new InvalidationHub(announcers.perKey)
    }
  }

  /** Whether anybody wants to know. */
  get isWatched(): boolean {
    return this.#hubs.broadcast.isWatched || this.#hubs.perKey.isWatched
  }

  /** What is to be told of a command of this client; undefined where it concerns no key, or nobody. */
  concernOf(row: CommandRow, args: ReadonlyArray<WireArg>): Concern | undefined {
    return this.isWatched ? concernOf(row, args, this.tellOwn) : undefined
  }

  /** Ends what servers announce to it, whoever listens still. */
  close(): void {
    this.#hubs.broadcast.close()
    this.#hubs.perKey.close()
  }

  readonly tellOwn = (event: Invalidation): void => {
    this.#hubs.broadcast.tellOwn(event)
    this.#hubs.perKey.tellOwn(event)
  }

  /** Tells of keys that a read of this client concerns, when it is settled. */
  telling<A, E, R>(keys: ReadonlyArray<string>, read: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.onExit(read, () =>
      Effect.sync(() => {
        if (this.isWatched) this.tellOwn({ _tag: "Keys", keys, own: true })
      })
    )
  }

  readonly invalidations: Invalidations["invalidations"] = ({ heartbeat, prefixes, tracking = "broadcast" }, onEvent) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => this.#hubs[tracking].listen({ prefixes, heartbeat: millisOf(heartbeat) }, onEvent)),
        (stop) => Effect.sync(stop)
      )
    )

  readonly changes: Invalidations["changes"] = changesOf((...wanted) => this.invalidations(...wanted))
}

const millisOf = (heartbeat: Duration.Input | undefined): number =>
  (heartbeat === undefined ? undefined : toMillis(heartbeat)) ?? defaultHeartbeat
