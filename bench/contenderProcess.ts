/** One contender in a process of its own, so that nobody pays for another's garbage or code. Runs bursts as it is told. */
import { deepStrictEqual } from "node:assert/strict"
import { contenders } from "./contenders.ts"
import { type BurstRequest, timed } from "./measure.ts"
import { beTold, failed } from "./told.ts"
import { article, keys } from "./value.ts"

beTold()

const [, , name = "", url = ""] = process.argv
const contender = await contenders[name]?.(url)
if (contender === undefined) throw new Error(`there is no contender ${name}`)

// Nobody wins by doing less.
deepStrictEqual(await contender.read(keys[0] ?? ""), contender.value ?? article, `${name} reads another value`)

process.on("message", async ({ concurrency, count, work }: BurstRequest) => {
  const burst = contender.work[work]
  if (burst === undefined) return failed(`it cannot do ${work}`)
  try {
    const took = await timed(() => burst(concurrency, count))
    process.send?.(work === "getTimed" ? { ...took, slowest: contender.latencies?.take() } : took)
  } catch (error) {
    failed(error)
  }
})
process.send?.(Object.keys(contender.work))
