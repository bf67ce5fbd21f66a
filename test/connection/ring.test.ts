import { assert, it } from "@effect/vitest"
import { Ring } from "../../src/layers/connection/Ring.ts"

it("a ring is a queue, however it grows and shrinks", () => {
  const ring = new Ring<number>()
  const model: Array<number> = []
  let next = 0
  // Grows over several sizes, from every place of its head.
  for (let round = 0; round < 400; round++) {
    for (let i = 0; i < (round * 7) % 23; i++) {
      ring.push(next)
      model.push(next++)
    }
    assert.strictEqual(ring.size, model.length)
    assert.strictEqual(ring.peek(), model[0])
    for (const at of [0, 1, model.length - 1])
      if (at >= 0 && at < model.length) assert.strictEqual(ring.at(at), model[at])
    for (let i = 0; i < (round * 5) % 17; i++) assert.strictEqual(ring.shift(), model.shift())
  }
  while (model.length > 0) assert.strictEqual(ring.shift(), model.shift())
  assert.isUndefined(ring.shift())
  assert.isUndefined(ring.peek())
  ring.push(1)
  ring.clear()
  assert.strictEqual(ring.size, 0)
  assert.isUndefined(ring.peek())
})
