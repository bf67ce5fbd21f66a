/**
 * The time that this process was given. A process that the machine does not run sees late what happened in time, and
 * that is no fault of what is measured: a turn of the event loop counts for as long as it should have taken, or for as
 * long as the process worked in it, and the rest of it not at all. So a bound stays as tight on a busy machine as on an
 * idle one.
 */
const tick = 5

let counted = 0
let last = performance.now()
let worked = process.cpuUsage()

const step = (): void => {
  const now = performance.now()
  const { system, user } = process.cpuUsage(worked)
  counted += Math.min(now - last, 2 * tick + (system + user) / 1000)
  last = now
  worked = process.cpuUsage()
}

setInterval(step, tick).unref()

/** Milliseconds; never more than have passed. */
export const ownTime = (): number => {
  step()
  return counted
}
