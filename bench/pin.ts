/** Processes on cores of their own, where the machine has two and lets us choose. */
import { spawnSync } from "node:child_process"
import { cpus } from "node:os"

/** Clients take turns on the first core. */
const clientCore = 0
const serverCore = 1

const pin = (pid: number, core: number): boolean =>
  cpus().length > 1 &&
  process.platform === "linux" &&
  spawnSync("taskset", ["-apc", String(core), String(pid)], { stdio: "ignore" }).status === 0

/** Returns whether it is there to stay. */
export const pinClient = (pid: number | undefined): boolean => pid !== undefined && pin(pid, clientCore)
export const pinServer = (pid: number): boolean => pin(pid, serverCore)
