/** One process of a fleet, which does as it is told. */
import { fleetMembers } from "./nearFleetMembers.ts"
import { beTold, failed } from "./told.ts"

/** What a process is told, and what it answers when that is done. */
export type FleetOrder = "store" | "warm" | { readonly millis: number; readonly writes: number }

export interface FleetAnswer {
  readonly operations: number
  readonly millis: number
  /** Microseconds of its own CPU time. */
  readonly cpu: number
}

beTold()

const [, , kind = "", url = "", seed = ""] = process.argv
const member = await fleetMembers[kind]?.(url, Number(seed))
if (member === undefined) throw new Error(`there is no fleet of ${kind}`)

process.on("message", async (order: FleetOrder) => {
  const started = performance.now()
  const before = process.cpuUsage()
  try {
    const operations =
      order === "store" || order === "warm" ? (await member[order](), 0) : await member.run(order.millis, order.writes)
    const { system, user } = process.cpuUsage(before)
    process.send?.({ operations, millis: performance.now() - started, cpu: system + user })
  } catch (error) {
    failed(error)
  }
})
process.send?.({ operations: 0, millis: 0, cpu: 0 })
