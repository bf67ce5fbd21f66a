/** What the demo prints. */
import { styleText } from "node:util"
import type { Tally } from "./questions.ts"

export interface Answered {
  readonly question: string
  readonly answer: string
  readonly millis: number
}

export interface Round {
  readonly rows: ReadonlyArray<Answered>
  readonly tally: Tally
}

export interface Stored {
  readonly topology: string
  readonly entries: number
  readonly bytes: number
}

// `styleText` leaves colours out where the output is no terminal, or NO_COLOR is set.
const dim = (text: string): string => styleText("dim", text)
const fast = (text: string): string => styleText(["green", "bold"], text)

const millis = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

const sum = ({ rows }: Round): number => rows.reduce((sum, { millis }) => sum + millis, 0)

const longest = (texts: ReadonlyArray<string>): number => Math.max(...texts.map(({ length }) => length))

const where = (topology: string): string => (topology === "memory" ? "in memory" : `on a ${topology} server`)

export const report = (cold: Round, warm: Round, { bytes, entries, topology }: Stored): string => {
  const questions = longest(cold.rows.map(({ question }) => question))
  const answers = longest(cold.rows.map(({ answer }) => answer))
  const line = (question: string, answer: string, first: string, second: string, style: (text: string) => string) =>
    `  ${question.padEnd(questions)}  ${answer.padEnd(answers)}  ${first.padStart(10)}  ${style(second.padStart(10))}`
  const asked = (cold.tally.asked + warm.tally.asked).toLocaleString("en")
  const lookups = cold.tally.lookups + warm.tally.lookups
  const times = (sum(cold) / sum(warm)).toFixed(0)
  return [
    "",
    `Questions about the packages that are installed here, through a cache ${where(topology)}.`,
    "",
    dim(line("", "", "first time", "again", String)),
    ...cold.rows.map(({ answer, millis: first, question }, i) =>
      line(question, answer, millis(first), millis(warm.rows[i]?.millis ?? 0), fast)
    ),
    line("all of them", "", millis(sum(cold)), millis(sum(warm)), fast),
    "",
    `The second time is ${fast(`${times} times faster`)}: of ${asked} reads ${lookups} went to the disk, each once.`,
    `The cache holds ${entries} entries in ${(bytes / 1000).toFixed(0)} kB.`,
    cold.rows.every(({ answer }, i) => answer === warm.rows[i]?.answer)
      ? "Both rounds gave the same answers."
      : "The rounds gave different answers!",
    "",
    "Try next:",
    "  npm run demo -- --server                   the same on a Valkey that is started for it",
    "  npm run example examples/quick-start.ts    the smallest program",
    "  npm run example:web                        a page with buttons that break the cache"
  ].join("\n")
}
