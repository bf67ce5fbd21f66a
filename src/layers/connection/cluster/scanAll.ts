/** SCAN over every primary. */
import { Effect, Stream } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { ValkeyClientShape } from "../../../services/ValkeyClient.ts"
import { SplitMap } from "../../../schema/SplitMap.ts"
import { scanWith } from "../../commands/scan.ts"
import type { Commands } from "../commands.ts"
import type { ClusterTopology } from "./ClusterTopology.ts"

/** Whoever serves new slots after a pass may have got keys that the pass missed; so often at most that is looked after. */
const maxPasses = 5

/** Each key once, though it may be on two servers while its slot moves: the keys seen are remembered. */
export const scanAll =
  (
    topology: ClusterTopology,
    primaries: Effect.Effect<ReadonlyArray<string>, CommandError>,
    onServer: (server: string) => Commands
  ): ValkeyClientShape["scanBinary"] =>
  (options) => {
    const pass = (servers: ReadonlyArray<string>, passes: number): Stream.Stream<string | Buffer, CommandError> =>
      Stream.suspend(() => {
        const before = topology.owners()
        const keys = Stream.flatMap(Stream.fromIterable(servers), (server) => scanWith(onServer(server).send)(options))
        const rest = Effect.map(
          // Who cannot be asked again has told all it knows.
          Effect.promise(() => topology.refresh().catch(() => {})),
          () => {
            const gained = topology.gainedSince(before)
            return gained.length === 0 || passes === 1 ? Stream.empty : pass(gained, passes - 1)
          }
        )
        return Stream.concat(keys, Stream.unwrap(rest))
      })
    return Stream.suspend(() => {
      const seen = new SplitMap<true>()
      const keys = Stream.unwrap(Effect.map(primaries, (servers) => pass(servers, maxPasses)))
      // Bytes that are no text have a name of their own among the texts.
      return Stream.filter(keys, (key) =>
        seen.set(typeof key === "string" ? key : `\ud800${key.toString("latin1")}`, true)
      )
    })
  }
