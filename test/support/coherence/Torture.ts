/** Who is tortured, and by whom. */
import { Effect } from "effect"
import type { Dice } from "../Dice.ts"
import { pause } from "../pause.ts"
import type { ValkeyServer } from "../ValkeyServer.ts"
import type { Access } from "./Access.ts"
import type { DelayingProxy } from "./DelayingProxy.ts"
import type { ProcessHistory } from "./History.ts"
import type { Site } from "./Site.ts"
import type { Writer } from "./Writer.ts"

/** What a reader is told: to write its own keys or not, to stand still, or to compare what it has with the servers and end. */
export type Word =
  | { readonly say: "quiet" | "write" }
  | { readonly say: "block"; readonly millis: number }
  | { readonly say: "over"; readonly direct: Access | undefined }

export interface TorturedReader {
  /** Between it and each server. */
  readonly proxies: ReadonlyMap<ValkeyServer, DelayingProxy>
  readonly tell: (word: Word) => void
  /** Undefined where it is in this process. */
  readonly freeze: ((millis: number) => Effect.Effect<void>) | undefined
  readonly history: Effect.Effect<ProcessHistory>
}

export interface TortureOptions {
  readonly site: Site
  readonly readers: ReadonlyArray<TorturedReader>
  readonly writer: Writer
  readonly dice: Dice
  /** Milliseconds. */
  readonly maxStaleness: number
}

export class Torture {
  readonly site: Site
  readonly readers: ReadonlyArray<TorturedReader>
  readonly writer: Writer
  readonly dice: Dice
  readonly maxStaleness: number
  readonly proxies: ReadonlyArray<DelayingProxy>

  constructor({ dice, maxStaleness, readers, site, writer }: TortureOptions) {
    this.site = site
    this.readers = readers
    this.writer = writer
    this.dice = dice
    this.maxStaleness = maxStaleness
    this.proxies = readers.flatMap(({ proxies }) => [...proxies.values()])
  }

  /** Nobody writes meanwhile: what a failover loses was promised to nobody. */
  readonly withoutWrites = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
    this.writer.alone(
      Effect.gen({ self: this }, function* () {
        for (const { tell } of this.readers) tell({ say: "quiet" })
        yield* pause(200)
        const result = yield* effect
        for (const { tell } of this.readers) tell({ say: "write" })
        return result
      })
    )

  /** What the servers say takes so many milliseconds. */
  delay(line: "data" | "channel", millis: number): void {
    for (const { delays } of this.proxies) delays[line] = millis
  }

  kill(line: "data" | "channel"): void {
    for (const proxy of this.proxies) proxy.kill(line)
  }
}
