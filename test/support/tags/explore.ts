/** Every interleaving of small programs: from each state each process that can take a step takes it, and no state is looked at twice. */

/** One atomic step of a process: what becomes of the world and of what the process knows. */
export interface Process<W> {
  /** Undefined where it has ended, or waits for another. */
  readonly step: (world: W, at: number, own: Own) => Next | undefined
}

/** What a process remembers between its steps. */
export type Own = Readonly<Record<string, unknown>>

export interface Next {
  readonly at: number
  readonly own: Own
}

export interface Explored {
  readonly states: number
  /** The steps to the first state that breaks a promise, as names of processes; undefined where none does. */
  readonly violation: ReadonlyArray<string> | undefined
}

/** `world` is plain data. `broken`: whether a state breaks a promise. */
export const explore = <W extends object>(
  world: W,
  processes: Readonly<Record<string, Process<W>>>,
  broken: (world: W) => boolean
): Explored => {
  const names = Object.keys(processes)
  const start = JSON.stringify([world, names.map(() => ({ at: 0, own: {} }))])
  const seen = new Map<string, { readonly from: string; readonly name: string } | undefined>([[start, undefined]])
  const open = [start]
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const [i, name] of names.entries()) {
      const [next, states]: [W, Array<Next>] = JSON.parse(text)
      const { at, own } = states[i]!
      const after = processes[name]!.step(next, at, own)
      if (after === undefined) continue
      states[i] = after
      const reached = JSON.stringify([next, states])
      if (seen.has(reached)) continue
      seen.set(reached, { from: text, name })
      if (broken(next)) return { states: seen.size, violation: wayTo(reached, seen) }
      open.push(reached)
    }
  }
  return { states: seen.size, violation: undefined }
}

const wayTo = (
  state: string,
  seen: ReadonlyMap<string, { readonly from: string; readonly name: string } | undefined>
): ReadonlyArray<string> => {
  const way: Array<string> = []
  for (let step = seen.get(state); step !== undefined; step = seen.get(step.from)) way.unshift(step.name)
  return way
}
