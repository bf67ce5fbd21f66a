/** The files below src that a program can import. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"

const Package = Schema.fromJsonString(
  Schema.Struct({
    exports: Schema.Record(
      Schema.String,
      Schema.Union([Schema.Struct({ "effect-vcache-source": Schema.String }), Schema.String])
    )
  })
)

export const doorsOf = (root: string): ReadonlyArray<string> =>
  Object.values(Schema.decodeSync(Package)(readFileSync(join(root, "package.json"), "utf8")).exports).flatMap((door) =>
    typeof door === "string" ? [] : [door["effect-vcache-source"].replace("./src/", "")]
  )
