/** The keys of a batch that are answered in this process, and those of which the server is asked. */
import type { Fiber } from "effect"
import type { EntryName } from "../../../schema/ValueCodec.ts"
import type { NearView } from "../near/NearView.ts"
import type { LookupPlan } from "./LookupPlan.ts"
import { type NearFound, nearFound } from "./nearFound.ts"

export interface NearMany<A> {
  /** What is near, by final key. */
  readonly found: ReadonlyMap<string, Exclude<NearFound<A>, { readonly _tag: "Early" }>>
  /** Keys whose values are to be refreshed, and until when they are fresh. */
  readonly drawn: ReadonlyMap<string, number>
  readonly rest: ReadonlyArray<EntryName>
}

export const nearMany = <A, RD>(
  near: NearView<A, RD> | undefined,
  names: ReadonlyArray<EntryName>,
  plan: LookupPlan<A>,
  caller: Fiber.Fiber<unknown, unknown>
): NearMany<A> => {
  const found = new Map<string, Exclude<NearFound<A>, { readonly _tag: "Early" }>>()
  const drawn = new Map<string, number>()
  const rest: Array<EntryName> = []
  if (near === undefined) return { found, drawn, rest: names }
  for (const name of names) {
    const known = nearFound(near, name, plan, caller)
    if (known === undefined || known._tag === "Early") {
      rest.push(name)
      if (known !== undefined) drawn.set(name.final, known.freshUntil)
    } else found.set(name.final, known)
  }
  return { found, drawn, rest }
}
