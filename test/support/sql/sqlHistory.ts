/**
 * What processes saw and did in one database. Each write raises the number of a table by one, so that numbers say how old a
 * result is. A result is right if no write that had returned before the read began is missing, and if it is of no write that
 * had not begun when the read ended.
 */

/** Microseconds of the clock that all processes of the machine share. */
interface Span {
  readonly began: number
  readonly ended: number
}

export type SqlEvent = Span & { readonly process: string } & (
    | { readonly _tag: "Write"; readonly table: string; readonly value: number }
    | { readonly _tag: "Read"; readonly values: Readonly<Record<string, number>> }
    /** In a transaction, of the table that it has written. */
    | { readonly _tag: "OwnRead"; readonly table: string; readonly wrote: number; readonly saw: number }
  )

export interface SqlViolation {
  readonly reason: "stale" | "uncommitted" | "own write not seen"
  readonly event: SqlEvent
}

export const violationsIn = (events: ReadonlyArray<SqlEvent>): ReadonlyArray<SqlViolation> => {
  const writesOf = Map.groupBy(
    events.filter((event) => event._tag === "Write"),
    ({ table }) => table
  )
  const newest = (table: string, isMeant: (write: Span) => boolean) =>
    Math.max(0, ...(writesOf.get(table) ?? []).filter(isMeant).map(({ value }) => value))
  return events.flatMap((event): ReadonlyArray<SqlViolation> => {
    if (event._tag === "OwnRead") return event.saw === event.wrote ? [] : [{ reason: "own write not seen", event }]
    if (event._tag === "Write") return []
    return Object.entries(event.values).flatMap(([table, value]): ReadonlyArray<SqlViolation> => {
      if (value < newest(table, ({ ended }) => ended <= event.began)) return [{ reason: "stale", event }]
      if (value > newest(table, ({ began }) => began <= event.ended)) return [{ reason: "uncommitted", event }]
      return []
    })
  })
}
