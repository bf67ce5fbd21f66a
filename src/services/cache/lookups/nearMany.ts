/** The keys of a batch that are answered in this process, and those of which the server is asked. */
import type { Fiber } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { type Near, type NearFound, nearFound } from "./nearFound.ts"

type Known<A> = Exclude<NearFound<A>, { readonly _tag: "Early" | "Untold" }>

export interface NearMany<A> {
  /** What is near, by final key. */
  readonly found: ReadonlyMap<string, Known<A>>
  /** Keys whose values are to be refreshed, and until when they are fresh. */
  readonly drawn: ReadonlyMap<string, number>
  readonly rest: ReadonlyArray<EntryName>
}

export const nearMany = <A, RD>(
  near: Near<A, RD> | undefined,
  names: ReadonlyArray<EntryName>,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearMany<A> => {
  const found = new Map<string, Known<A>>()
  const drawn = new Map<string, number>()
  const rest: Array<EntryName> = []
  if (near === undefined) return { found, drawn, rest: names }
  for (const name of names) {
    const known = nearFound(near, name, plan, caller)
    if (known === undefined || known._tag === "Early" || known._tag === "Untold") {
      rest.push(name)
      if (known?._tag === "Early") drawn.set(name.final, known.freshUntil)
    } else found.set(name.final, known)
  }
  return { found, drawn, rest }
}
