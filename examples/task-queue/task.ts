/** What there is to do. */
import { Schema } from "effect"

export const Task = Schema.Struct({ number: Schema.Int })
export type Task = typeof Task.Type
