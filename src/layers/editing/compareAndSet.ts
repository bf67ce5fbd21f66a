/** The one script behind all edits: commands that run where a key still holds what was seen there. */
import { Effect } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import type { Arg, KeyType } from "../../schema/Command.ts"
import type { Script } from "../../schema/Script.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

/** What became of an edit: it was done, or the key holds something else by now, or nothing. */
export type Outcome = "done" | "changed" | "gone"

/** A command about the key, whose name is left out. */
export type Step = readonly [name: string, ...args: ReadonlyArray<Arg>]

export interface Comparison {
  readonly type: KeyType
  /** The command that reads the key. */
  readonly read: Step
  /** The reply that it must give; null if there must be none. */
  readonly expected: Arg | null
  /** The commands that then run, in this order, in one atomic step. */
  readonly writes: ReadonlyArray<Step>
}

const outcomes: ReadonlyArray<Outcome> = ["changed", "done", "gone"]

/**
 * KEYS: the key. ARGV: its type; `=` and the expected reply, or "" for none; then steps, each as the number of its words and
 * its words: what to ask, and what to run. 0 = changed, 1 = done, 2 = gone.
 */
const compareAndSetScript: Script = {
  name: "compareAndSet",
  lua: `
local type = redis.call('TYPE', KEYS[1]).ok
if type == 'none' then return 2 end
if type ~= ARGV[1] then return 0 end
local at = 3
local function run()
  local words = {}
  for i = 1, ARGV[at] do words[i] = ARGV[at + i] end
  at = at + #words + 1
  return redis.call(words[1], KEYS[1], unpack(words, 2))
end
local seen = run()
if (seen and '=' .. tostring(seen) or '') ~= ARGV[2] then return 0 end
while ARGV[at] do run() end
return 1`,
  memory: ({ bytes, call }, [key = ""], [type = "", expected = "", ...rest]) => {
    const found = call("TYPE", key)
    if (found === "none") return 2
    if (found !== type) return 0
    const [read, ...writes] = stepsIn(rest)
    if (read === undefined) return 0
    const seen = bytes(String(read[0]), key, ...read.slice(1))
    const reply = seen === null ? Buffer.of() : Buffer.concat([Buffer.from("="), bytesOf(seen)])
    if (!reply.equals(bytesOf(expected))) return 0
    for (const [name, ...args] of writes) call(String(name), key, ...args)
    return 1
  }
}

const bytesOf = (value: unknown): Buffer => (Buffer.isBuffer(value) ? value : Buffer.from(String(value)))

const stepsIn = (words: ReadonlyArray<Arg>): ReadonlyArray<ReadonlyArray<Arg>> => {
  const steps: Array<ReadonlyArray<Arg>> = []
  for (let at = 0; at < words.length; at += 1 + Number(words[at])) {
    steps.push(words.slice(at + 1, at + 1 + Number(words[at])))
  }
  return steps
}

/** Runs the writes if the key has the type, and the read gives the expected reply. One round trip. */
export const compareAndSet = (
  client: ValkeyClientShape,
  key: string,
  { expected, read, type, writes }: Comparison
): Effect.Effect<Outcome, CommandError> => {
  const wanted = expected === null ? "" : Buffer.concat([Buffer.from("="), bytesOf(expected)])
  const steps = [read, ...writes].flatMap((step): ReadonlyArray<ReadonlyArray<Arg>> => [[step.length], step]).flat()
  return Effect.map(
    client.eval(compareAndSetScript, [key], [type, wanted, ...steps]),
    (reply) => outcomes[Number(reply)] ?? "changed"
  )
}
