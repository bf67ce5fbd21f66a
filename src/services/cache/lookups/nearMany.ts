/** The keys of a batch that are answered in this process, and those of which the server is asked. */
import type { Fiber } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { type Near, type NearFound, nearFound, type Untold } from "./nearFound.ts"

type Known<A> = Exclude<NearFound<A>, Untold>

export interface NearMany<A> {
  /** What is near, by final key. */
  readonly found: ReadonlyMap<string, Known<A>>
  readonly rest: ReadonlyArray<EntryName>
}

export const nearMany = <A, RD>(
  near: Near<A, RD> | undefined,
  names: ReadonlyArray<EntryName>,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearMany<A> => {
  const found = new Map<string, Known<A>>()
  const rest: Array<EntryName> = []
  if (near === undefined) return { found, rest: names }
  for (const name of names) {
    const known = nearFound(near, name, plan, caller)
    if (known === undefined || known._tag === "Untold") rest.push(name)
    else found.set(name.final, known)
  }
  return { found, rest }
}
