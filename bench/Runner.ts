/** A contender's process. It is started anew when it fails, and nobody waits for one that is stuck. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { BurstRequest, Took } from "./measure.ts"
import { pinClient } from "./pin.ts"
import { answerOf, messageOf } from "./told.ts"

/** What a contender answers: what it can do, or what a burst took. */
type Answer = ReadonlyArray<string> | Took

/** Milliseconds for a start, and for one burst. */
const patience = 30_000

export class Runner {
  readonly name: string
  readonly #url: string
  /** Whether it has a core of its own. */
  isPinned = false
  #child: ChildProcess | undefined
  /** Undefined = it has not said. */
  #work: ReadonlyArray<string> | undefined

  private constructor(name: string, url: string) {
    this.name = name
    this.#url = url
  }

  /** One that does not start fails when it is to run. */
  static async start(name: string, url: string): Promise<Runner> {
    const runner = new Runner(name, url)
    await runner.#started().catch(() => {})
    return runner
  }

  can(work: BurstRequest["work"]): boolean {
    return this.#work?.includes(work) ?? true
  }

  /** Rejects with the reason where it fails twice, the second time in a new process. */
  async run(request: BurstRequest): Promise<Took> {
    try {
      return await this.#burst(request)
    } catch (error) {
      console.error(`${this.name}: ${request.work}: ${messageOf(error)}; once more`)
      this.stop()
      return await this.#burst(request)
    }
  }

  stop(): void {
    this.#child?.kill("SIGKILL")
    this.#child = undefined
  }

  async #burst(request: BurstRequest): Promise<Took> {
    const child = await this.#started()
    child.send(request)
    const took = await this.#answer(child)
    if (!("millis" in took)) throw new Error("it says nothing")
    return took
  }

  async #started(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child
    const child = fork(join(import.meta.dirname, "contenderProcess.ts"), [this.name, this.#url])
    this.#child = child
    child.on("error", () => {})
    child.on("exit", () => {
      if (this.#child === child) this.#child = undefined
    })
    const work = await this.#answer(child)
    if (!Array.isArray(work)) throw new Error("it does not say what it can do")
    this.#work = work
    this.isPinned = pinClient(child.pid)
    return child
  }

  async #answer(child: ChildProcess): Promise<Answer> {
    try {
      return await answerOf<Answer>(child, patience)
    } catch (error) {
      this.stop()
      throw error
    }
  }
}
