/** What can be broken on purpose, to see that the torture finds it. */
import { Voucher } from "../../../src/layers/connection/tracking/Voucher.ts"
import type { Invalidation } from "../../../src/schema/Invalidation.ts"
import { FillMarks } from "../../../src/services/cache/near/FillMarks.ts"
import { NearStore } from "../../../src/services/cache/near/NearStore.ts"
import { Proofs } from "../../../src/services/cache/near/Proofs.ts"

/** By the fault in which each shows. */
export const shownBy = {
  "no mark on reads under way": "replies come after the announcements of what has changed meanwhile",
  "proof by the time of receiving": "announcements come late, and then later than they are allowed to",
  "neither flush": "keys change while nobody is told",
  "no epoch": "everything is flushed while reads are under way",
  "a bypass that leaves the old entry": "announcements come late, and then later than they are allowed to",
  // And when the server is left behind at the end.
  "no second beat": "connections of readers break"
} as const

export type CounterProof = keyof typeof shownBy

export const counterProofs = Object.keys(shownBy) as ReadonlyArray<CounterProof>

/** For this process, for ever. That a bypass leaves the old entry is up to whoever reads past the near cache. */
export const breakOnPurpose = (counterProof: CounterProof): void => {
  switch (counterProof) {
    case "no mark on reads under way": {
      const { isMarked } = FillMarks.prototype
      FillMarks.prototype.isMarked = function (fill, place) {
        fill.isOutdated = false
        return isMarked.call(this, fill, place)
      }
      return
    }
    case "no epoch":
      FillMarks.prototype.markAll = () => {}
      return
    case "proof by the time of receiving": {
      const { proven } = Proofs.prototype
      Proofs.prototype.proven = function (server) {
        proven.call(this, server, performance.now())
      }
      return
    }
    case "neither flush": {
      const { begin } = Proofs.prototype
      Proofs.prototype.begin = function (server) {
        if (this.of(server) === undefined) begin.call(this, server)
        return undefined
      }
      const { apply } = NearStore.prototype
      NearStore.prototype.apply = function (event: Invalidation) {
        if (event._tag !== "Down") apply.call(this, event)
      }
      return
    }
    case "no second beat": {
      const { vouch } = Voucher.prototype
      const beaten = new WeakSet<Voucher>()
      Voucher.prototype.vouch = function (done) {
        if (beaten.has(this)) return done(true)
        vouch.call(this, (vouched) => {
          if (vouched) beaten.add(this)
          done(vouched)
        })
      }
      return
    }
    case "a bypass that leaves the old entry":
      return
  }
}
