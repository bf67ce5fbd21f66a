/** Names for what is held, which nobody else has. */
import { Effect, Random } from "effect"

const part = Effect.map(Random.nextIntBetween(0, 2 ** 48), (random) => random.toString(16).padStart(12, "0"))

export const makeToken: Effect.Effect<string> = Effect.zipWith(part, part, (a, b) => a + b)
