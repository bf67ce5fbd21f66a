import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import starlight from "@astrojs/starlight"
import { defineConfig } from "astro/config"
import linksValidator from "starlight-links-validator"
import llms from "starlight-llms-txt"
import typedoc from "starlight-typedoc"
import { categories, groups } from "./documents.ts"
import manifest from "../package.json" with { type: "json" }

const doors = Object.values(manifest.exports).flatMap((door) =>
  typeof door === "string" ? [] : [`../${door["effect-vcache-source"]}`]
)

/** `@see docs/ring.md` is text in an editor, and a link to the page here. It comes after the plugin that writes the reference. */
const linkPages = {
  name: "link-pages",
  hooks: {
    "config:setup": () => {
      const api = join(import.meta.dirname, "src/content/docs/api")
      for (const name of readdirSync(api, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".md")
      )) {
        const text = readFileSync(join(api, name), "utf8")
        writeFileSync(join(api, name), text.replace(/^docs\/([\w-]+)\.md$/gm, "[$1](/$1/)"))
      }
    }
  }
}

export default defineConfig({
  // Where the site is put is not known here: llms.txt has addresses of this name.
  site: process.env["SITE"] ?? "http://localhost:4321",
  integrations: [
    starlight({
      title: "effect-vcache",
      description: "A typed cache service for Effect programs, on Valkey",
      plugins: [
        typedoc({
          entryPoints: doors,
          tsconfig: "tsconfig.json",
          typeDoc: {
            // TypeScript 6 judges one line otherwise than TypeScript 7, which `npm run check` uses.
            skipErrorChecking: true,
            excludeExternals: true,
            excludeInternal: true,
            disableGit: true,
            disableSources: true,
            // The plugin keeps no page of a module under the default name.
            entryFileName: "overview",
            parametersFormat: "table",
            interfacePropertiesFormat: "list",
            categorizeByGroup: false,
            // What has no category is a module, whose names have theirs.
            categoryOrder: ["modules", ...categories],
            defaultCategory: "modules"
          }
        }),
        linkPages,
        linksValidator({ exclude: ["/api/**", "/files/**"], errorOnLocalLinks: false }),
        llms({ exclude: ["api/**"] })
      ],
      sidebar: [
        ...groups.map(({ label, pages }) => ({ label, items: [...pages] })),
        // The names alone: with all of them in the sidebar of each page the site is ten times as large.
        { label: "API", link: "/api/overview/" }
      ]
    })
  ]
})
