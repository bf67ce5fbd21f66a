/** What policies are told of a near cache: that it is on or off, and which keys servers say have changed. */
import type { Notify } from "../../../schema/CacheNotice.ts"
import type { Invalidation } from "../../../schema/Invalidation.ts"

export interface NoticeTerms {
  readonly notify: Notify | undefined
  /** The user key of a final key; undefined where it is none of the cache. */
  readonly userKey: (final: string) => string | undefined
}

export class NearNotices {
  readonly #terms: NoticeTerms
  #isOn = false

  constructor(terms: NoticeTerms) {
    this.#terms = terms
  }

  announced(event: Invalidation): void {
    const { notify, userKey } = this.#terms
    if (notify === undefined) return
    if (event._tag === "Everything") notify({ _tag: "Changed", keys: () => undefined })
    if (event._tag === "Keys" && !event.own) {
      notify({ _tag: "Changed", keys: () => event.keys.flatMap((final) => userKey(final) ?? []) })
    }
  }

  /** `why`: what is wrong, where something is. */
  isOffFor(why: string | undefined): void {
    const isOn = why === undefined
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    this.#terms.notify?.(isOn ? { _tag: "NearOn" } : { _tag: "NearOff", reason: why })
  }
}
