/** Lists of rows of one schema. */
import { type Effect, Schema, SchemaRepresentation } from "effect"
import { digest } from "../../schema/digest.ts"

export interface Rows<S extends Schema.Constraint> {
  readonly schema: Schema.$Array<S>
  /** Decodes what the database gives. */
  readonly decode: (rows: unknown) => Effect.Effect<ReadonlyArray<S["Type"]>, Schema.SchemaError, S["DecodingServices"]>
  /** What stored rows look like; undefined where they have no form in JSON. */
  readonly shape: string | undefined
}

/** Those of each schema are made once, however often it is asked for. */
export const rowsOfSchemas = (): (<S extends Schema.Constraint>(row: S) => Rows<S>) => {
  const made = new WeakMap<Schema.Constraint, unknown>()
  return <S extends Schema.Constraint>(row: S): Rows<S> => {
    const known = made.get(row)
    // The map holds for each schema the rows made of it.
    if (known !== undefined) return known as Rows<S>
    const schema = Schema.Array(row)
    const rows: Rows<S> = { schema, decode: Schema.decodeUnknownEffect(schema), shape: shapeOf(schema) }
    made.set(row, rows)
    return rows
  }
}

const shapeOf = (rows: Schema.Constraint): string | undefined => {
  try {
    const { ast } = Schema.toCodecJson(rows)
    return digest(JSON.stringify(SchemaRepresentation.toJson(SchemaRepresentation.toRepresentation(ast))))
  } catch {
    return undefined
  }
}
