/** What goes wrong on every site. */
import { Effect } from "effect"
import { pause } from "../pause.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"
import { clientName } from "./Access.ts"
import { evicting } from "./evicting.ts"
import { faultKeys, keysOfOthers } from "./keys.ts"
import type { Torture } from "./Torture.ts"

export interface Fault {
  readonly name: string
  readonly happen: Effect.Effect<void>
}

/** Changes of keys that only faults change, so that they have rested. */
const changes = ({ writer }: Torture, count: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: count }), () => writer.change(faultKeys), { discard: true })

export const commonFaults = (torture: Torture): ReadonlyArray<Fault> => {
  const { dice, maxStaleness, proxies, readers, site, writer } = torture
  if (site.servers.length === 0) return []
  const aWhile = () => maxStaleness * (0.5 + 2 * dice.next())
  const onEach = (what: (server: ValkeyServer) => Effect.Effect<unknown>) =>
    Effect.flatMap(site.primaries, (servers) => Effect.forEach(servers, what, { discard: true }))
  const onOne = (what: (server: ValkeyServer) => Effect.Effect<unknown>) =>
    Effect.flatMap(site.primaries, (servers) => Effect.asVoid(what(dice.pick(servers))))
  /** Something is so for some time. */
  const during = (millis: number, begin: Effect.Effect<unknown>, end: Effect.Effect<unknown>): Effect.Effect<void> =>
    Effect.asVoid(Effect.andThen(begin, Effect.ensuring(pause(millis), end)))

  const faults: Array<Fault> = [
    {
      name: "servers end the connections of announcements",
      happen: onEach((server) => server.call("CLIENT", "KILL", "TYPE", "pubsub"))
    },
    {
      name: "servers end the connections of readers",
      happen: onEach((server) =>
        Effect.flatMap(server.call("CLIENT", "LIST", "TYPE", "normal"), (list) =>
          Effect.forEach(
            [...String(list).matchAll(new RegExp(`^id=(\\d+) .* name=${clientName} `, "gm"))],
            ([, id = ""]) => server.call("CLIENT", "KILL", "ID", id)
          )
        )
      )
    },
    { name: "connections of readers break", happen: Effect.sync(() => torture.kill("data")) },
    {
      name: "keys change while nobody is told",
      happen: Effect.gen(function* () {
        for (let i = 0; i < 5; i++) {
          for (const proxy of proxies) proxy.isClosed = true
          torture.kill("channel")
          // So few that the channel is back before what was proven is too old.
          yield* changes(torture, 4)
          for (const proxy of proxies) proxy.isClosed = false
          yield* pause(2 * maxStaleness)
        }
      })
    },
    {
      name: "a server is frozen",
      happen: onOne((server) => during(aWhile(), server.freeze, server.thaw))
    },
    {
      name: "replies come after the announcements of what has changed meanwhile",
      happen: Effect.gen(function* () {
        for (let i = 0; i < 5; i++) {
          torture.delay("data", 20 + dice.below(230))
          yield* changes(torture, 8)
          yield* pause(2 * maxStaleness)
        }
        torture.delay("data", 0)
      })
    },
    {
      name: "announcements come late, and then later than they are allowed to",
      happen: Effect.gen(function* () {
        for (let i = 0; i < 4; i++) {
          torture.delay("channel", 0.4 * maxStaleness)
          yield* pause(maxStaleness)
          yield* changes(torture, 4)
          yield* pause(maxStaleness)
          torture.delay("channel", 1.7 * maxStaleness)
          // What changes now is announced after a proof that was asked for before.
          yield* changes(torture, 8)
          yield* pause(2 * maxStaleness)
        }
        torture.delay("channel", 0)
      })
    },
    {
      name: "a connection of announcements is half open",
      happen: Effect.suspend(() => {
        const proxy = dice.pick(proxies)
        return during(
          3 * maxStaleness,
          Effect.sync(() => void (proxy.isHalfOpen = true)),
          Effect.sync(() => {
            proxy.isHalfOpen = false
            proxy.kill("channel")
          })
        )
      })
    },
    {
      name: "everything is flushed while reads are under way",
      happen: Effect.gen(function* () {
        for (let i = 0; i < 4; i++) {
          torture.delay("data", 200)
          // None of the reads under way began before the last write.
          const between = Effect.suspend(() => pause(100 + dice.below(250)))
          yield* writer.flush(
            keysOfOthers,
            between,
            onEach((server) => server.call("FLUSHALL"))
          )
          torture.delay("data", 0)
          yield* pause(2 * maxStaleness)
        }
      })
    },
    {
      name: "a server that is full evicts keys",
      happen: torture.withoutWrites(onOne((server) => evicting(torture, server)))
    },
    {
      name: "a server forgets whom it tells of which key",
      happen: onEach((server) =>
        during(
          maxStaleness,
          server.call("CONFIG", "SET", "tracking-table-max-keys", 5),
          server.call("CONFIG", "SET", "tracking-table-max-keys", 1_000_000)
        )
      )
    },
    {
      name: "a server neither writes nor lets keys expire",
      happen: Effect.suspend(() => {
        const millis = Math.round(2 * maxStaleness)
        return onEach((server) =>
          Effect.andThen(server.call("CLIENT", "PAUSE", millis, "WRITE"), pause(maxStaleness / 2))
        )
      })
    }
  ]
  const apart = readers.flatMap(({ freeze, tell }) => (freeze === undefined ? [] : [{ freeze, tell }]))
  if (apart.length === 0) return faults
  return [
    ...faults,
    { name: "a reader is frozen", happen: Effect.suspend(() => dice.pick(apart).freeze(aWhile())) },
    {
      name: "a reader does something else",
      happen: Effect.suspend(() => {
        const millis = aWhile()
        dice.pick(apart).tell({ say: "block", millis })
        return pause(millis)
      })
    }
  ]
}
