/** Bundles the doors: what programs wait for when they start is the number of files, more than their size. */
import { defineConfig, type Plugin } from "rolldown"
import manifest from "./package.json" with { type: "json" }

const doors = [...Object.values(manifest.exports), { default: manifest.bin["effect-vcache"] }].flatMap((door) =>
  typeof door === "string" ? [] : [door.default.replace(/^\.\/dist\/(.*)\.js$/, "$1")]
)

/** V8 keeps a file at one byte a character only where it is all ASCII. Without comments other characters stand in texts alone. */
const ascii: Plugin = {
  name: "ascii",
  generateBundle: (_, bundle) => {
    for (const chunk of Object.values(bundle)) if (chunk.type === "chunk") chunk.code = escaped(chunk.code)
  }
}

const escaped = (code: string): string =>
  code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

export default defineConfig({
  input: Object.fromEntries(doors.map((door) => [door, `src/${door}.ts`])),
  platform: "node",
  // Packages stay imports, so that a program has one Effect. The bundler's own helpers come in.
  external: (id) => !/^[./\0]|^@oxc-project\/runtime\//.test(id),
  plugins: [ascii],
  output: {
    dir: "dist",
    chunkFileNames: "chunks/[name]-[hash].js",
    // Comments are in the declarations and in the sources, which the package has, too.
    comments: { jsdoc: false, legal: false }
  }
})
