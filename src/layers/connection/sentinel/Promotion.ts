/**
 * A replica that sentinels are making the primary. They name it themselves only when they have seen that it is, which
 * takes them a second; until then the old primary confirms writes that nobody will have. The replica knows at once.
 */
import type { Endpoint } from "../../../schema/connectionUrl.ts"
import { Link, type LinkOptions, nodeName } from "../Link.ts"
import { Timer } from "../Timer.ts"

export interface PromotionOptions extends Pick<LinkOptions, "settings" | "greeting" | "random"> {
  readonly onPromoted: () => void
}

/** Milliseconds between two questions whether it is the primary by now. */
const askAgain = { reconnectBase: 5, reconnectMax: 25 }

/** Milliseconds from the announcement. By then it has happened and the sentinels know, or it does not happen. */
const validFor = 10_000

export class Promotion {
  readonly #options: PromotionOptions
  #link: Link | undefined
  #timer: Timer | undefined
  #promoted: Endpoint | undefined

  constructor(options: PromotionOptions) {
    this.#options = options
  }

  /** The server that has become the primary and that sentinels do not name yet. */
  get promoted(): Endpoint | undefined {
    return this.#promoted
  }

  /** Sentinels have ordered the replica to become the primary. */
  announced(replica: Endpoint): void {
    if (this.#link?.node === nodeName(replica)) return this.#validFromNow()
    const { onPromoted, settings, ...options } = this.#options
    this.end()
    const link = new Link({
      ...options,
      settings: { ...settings, ...askAgain },
      address: replica,
      onState: ({ _tag }) => {
        if (_tag !== "Ready" || this.#link !== link) return
        this.#promoted = replica
        void link.end()
        onPromoted()
      }
    })
    this.#link = link
    this.#validFromNow()
    link.open()
  }

  /** The sentinels know better. */
  end(): void {
    const link = this.#link
    this.#timer?.cancel()
    this.#promoted = undefined
    this.#link = undefined
    void link?.end()
  }

  #validFromNow(): void {
    this.#timer?.cancel()
    this.#timer = new Timer(validFor, () => this.end()).unref()
  }
}
