/** Processes that are told what to do: both ends of what they answer. */
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"

interface Failed {
  readonly failed: string
}

export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? ""

/** In the process: what cannot be done is told, and ends it, because more of the same may still be under way. */
export const failed = (error: unknown): void => {
  const answer: Failed = { failed: messageOf(error) }
  process.send?.(answer, () => process.exit(1))
}

/** In the process: it tells whatever fails, and ends with whoever tells it. */
export const beTold = (): void => {
  process.on("uncaughtException", failed)
  process.on("disconnect", () => process.exit())
}

/** What the process says next. Rejects with what it could not do, when it ends, and after so many milliseconds. */
export const answerOf = async <A extends object>(child: ChildProcess, patience: number): Promise<A> => {
  const done = new AbortController()
  const { signal } = done
  const ended = once(child, "exit", { signal }).then(([code]) => Promise.reject(new Error(`it ended (${code})`)))
  const stuck = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing within ${patience / 1000} seconds`)), patience)
    signal.addEventListener("abort", () => clearTimeout(timer))
  })
  try {
    const [answer]: Array<A | Failed> = await Promise.race([once(child, "message", { signal }), ended, stuck])
    if (answer === undefined || "failed" in answer) throw new Error(answer?.failed ?? "it says nothing")
    return answer
  } finally {
    ended.catch(() => {})
    done.abort()
  }
}
