/** The listeners of one client's changes: they share what makes servers announce, and whoever comes later is told how things are. */
import type { Invalidation } from "../../schema/Invalidation.ts"
import { Announced } from "./Announced.ts"
import type { Announcer, Coverage } from "./Announcer.ts"
import { Listener, type OnEvent } from "./Listener.ts"
import { areCovered, merged } from "./prefixes.ts"

export interface Listening {
  readonly prefixes: ReadonlyArray<string>
  /** Milliseconds between two proofs, at most. */
  readonly heartbeat: number
}

/** The listeners' wishes of one generation: a new prefix begins another. */
class Generation implements Coverage {
  readonly number: number
  readonly prefixes: ReadonlyArray<string>
  heartbeat: number
  readonly tell: OnEvent

  constructor(
    number: number,
    prefixes: ReadonlyArray<string>,
    heartbeat: number,
    tell: (generation: Generation, event: Invalidation) => void
  ) {
    this.number = number
    this.prefixes = prefixes
    this.heartbeat = heartbeat
    this.tell = (event) => tell(this, event)
  }
}

/** A listener, and how it wants to be told. */
class HubListener extends Listener {
  readonly heartbeat: number
  /** The first generation that covers its prefixes. */
  since = 0

  constructor({ heartbeat, prefixes }: Listening, onEvent: OnEvent) {
    super(prefixes, onEvent)
    this.heartbeat = heartbeat
  }
}

export class InvalidationHub {
  readonly #announcer: Announcer
  readonly #listeners = new Set<HubListener>()
  readonly #announced = new Announced()
  #generation: Generation | undefined
  #generations = 0
  #isClosed = false

  constructor(announcer: Announcer) {
    this.#announcer = announcer
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  /** Returns how to stop listening. */
  listen(listening: Listening, onEvent: OnEvent): () => void {
    const listener = new HubListener(listening, onEvent)
    if (this.#isClosed) {
      listener.hear(closed)
      return () => {}
    }
    this.#listeners.add(listener)
    const generation = this.#generation
    if (generation === undefined || !areCovered(generation.prefixes, listener.prefixes)) this.#begin(listener)
    else {
      listener.since = generation.number
      generation.heartbeat = Math.min(generation.heartbeat, listener.heartbeat)
      this.#announced.tell((event) => listener.hear(event))
    }
    return () => {
      if (!this.#listeners.delete(listener) || this.isWatched) return
      this.#generation = undefined
      this.#announced.clear()
      this.#announcer.close()
    }
  }

  /** The client is closed, whoever listens still. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#announcer.close()
    for (const listener of this.#listeners) listener.hear(closed)
    this.#listeners.clear()
  }

  /** Tells all who listen of what this client does itself. */
  tellOwn(event: Invalidation): void {
    for (const listener of this.#listeners) listener.hear(event)
  }

  #begin(listener: HubListener): void {
    const all = [...this.#listeners]
    const generation = new Generation(
      ++this.#generations,
      merged(all.flatMap(({ prefixes }) => prefixes)),
      Math.min(...all.map(({ heartbeat }) => heartbeat)),
      (generation, event) => this.#tell(generation, event)
    )
    listener.since = generation.number
    this.#generation = generation
    this.#announced.clear()
    this.#announcer.cover(generation)
  }

  #tell(generation: Generation, event: Invalidation): void {
    if (generation === this.#generation) this.#announced.note(event)
    for (const listener of this.#listeners) if (listener.since <= generation.number) listener.hear(event)
  }
}

const closed: Invalidation = { _tag: "Down", server: undefined, reason: "the client is closed", cause: "closed" }
