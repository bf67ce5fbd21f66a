/** What is told of changes, as a stream. */
import { Queue, Stream } from "effect"
import type { Invalidation } from "../../schema/Invalidation.ts"
import type { Invalidations } from "../../services/ValkeyClient.ts"

/** Events that may wait for a slow reader. */
const maxWaiting = 4096

export const changesOf =
  (invalidations: Invalidations["invalidations"]): Invalidations["changes"] =>
  (prefixes) =>
    Stream.callback<Invalidation>((queue) => {
      // A reader that is told of everything has missed nothing that came before it was told.
      let hasMissed = false
      return invalidations({ prefixes }, (event) => {
        const waiting = Queue.sizeUnsafe(queue)
        if (waiting === 0) hasMissed = false
        if (event._tag !== "Keys" && event._tag !== "Proof") {
          Queue.offerUnsafe(queue, event)
          if (event._tag === "Down" && event.cause === "closed") Queue.endUnsafe(queue)
          return
        }
        if (hasMissed) return
        hasMissed = waiting >= maxWaiting
        Queue.offerUnsafe(queue, hasMissed ? missed : event)
      })
    })

const missed: Invalidation = { _tag: "Everything", server: undefined, reason: "changes were read too slowly" }
