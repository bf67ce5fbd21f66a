/** A reader in a process of its own. It is told by messages when to stop; then it gives its history. */
import { Effect } from "effect"
import { breakOnPurpose, type CounterProof } from "./breaks.ts"
import { type ReaderOptions, runReader } from "./reader.ts"

export interface WorkerOptions extends ReaderOptions {
  readonly broken: CounterProof | undefined
}

export type Word = "quiet" | "over"

let word: Word | undefined
process.on("message", (told: Word) => void (word = told))

const options: WorkerOptions = JSON.parse(process.argv[2] ?? "{}")
if (options.broken !== undefined) breakOnPurpose(options.broken)

const history = await Effect.runPromise(
  runReader(options, { isOver: () => word === "over", isQuiet: () => word !== undefined })
)
process.send?.(history, () => process.exit(0))
