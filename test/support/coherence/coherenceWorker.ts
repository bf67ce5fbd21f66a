/** A reader in a process of its own. It says when it is ready, is told by messages what to do, and gives its history at the end. */
import { Effect } from "effect"
import { type Access, clientOf } from "./Access.ts"
import { breakOnPurpose, type CounterProof } from "./breaks.ts"
import { type ReaderOptions, runReader } from "./reader.ts"
import type { Word } from "./Torture.ts"

export interface WorkerOptions extends ReaderOptions {
  readonly access: Access
  readonly broken: CounterProof | undefined
}

/** Its first message. The next is its history. */
const ready = "ready"

const options: WorkerOptions = JSON.parse(process.argv[2] ?? "{}")
if (options.broken !== undefined) breakOnPurpose(options.broken)

let isQuiet = false
let isOver = false
let direct: Access | undefined

process.on("message", (word: Word) => {
  switch (word.say) {
    case "quiet":
    case "write":
      isQuiet = word.say === "quiet"
      return
    case "over":
      isOver = true
      direct = word.direct
      return
    case "block": {
      const until = performance.now() + word.millis
      // Nothing else runs meanwhile.
      while (performance.now() < until);
    }
  }
})

const history = await Effect.runPromise(
  runReader(options, (isDirect) => clientOf((isDirect ? direct : undefined) ?? options.access), {
    isOver: () => isOver,
    isQuiet: () => isQuiet,
    onReady: () => void process.send?.(ready)
  })
)
process.send?.(history, () => process.exit(0))
