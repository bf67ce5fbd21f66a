/** What can be broken on purpose, to see that the torture finds it. */
import { Voucher } from "../../../src/layers/connection/tracking/Voucher.ts"
import type { Invalidation } from "../../../src/schema/Invalidation.ts"
import { FillMarks } from "../../../src/services/cache/near/FillMarks.ts"
import { NearStore } from "../../../src/services/cache/near/NearStore.ts"
import { Proofs } from "../../../src/services/cache/near/Proofs.ts"

export const counterProofs = [
  "no mark on reads under way",
  "proof by the time of receiving",
  "neither flush",
  "no epoch",
  "a bypass that leaves the old entry",
  "no second beat"
] as const

export type CounterProof = (typeof counterProofs)[number]

/** For this process, for ever. That a bypass leaves the old entry is up to whoever reads past the near cache. */
export const breakOnPurpose = (counterProof: CounterProof): void => {
  switch (counterProof) {
    case "no mark on reads under way": {
      const { isMarked } = FillMarks.prototype
      FillMarks.prototype.isMarked = function (fill) {
        fill.isOutdated = false
        return isMarked.call(this, fill)
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
    case "no second beat":
      Voucher.prototype.vouch = (done) => done(true)
      return
    case "a bypass that leaves the old entry":
      return
  }
}
