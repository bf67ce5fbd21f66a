/** Draws the rooms of the house from its imports: `npm run floors` writes docs/floors.svg. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { readFiles, usesIn } from "../test/support/house/arrows.ts"
import { draw } from "../test/support/house/drawing.ts"

const root = join(import.meta.dirname, "..")
writeFileSync(join(root, "docs/floors.svg"), draw(usesIn(readFiles(join(root, "src")))))
