/** The pages of the site, in the order of its sidebar. Each document of `docs/` stands here once. */
export interface Group {
  readonly label: string
  readonly pages: ReadonlyArray<string>
}

export const groups: ReadonlyArray<Group> = [
  { label: "Begin here", pages: ["tutorial", "guides", "faq", "comparison", "migration"] },
  {
    label: "Values and lookups",
    pages: [
      "values",
      "stampedes",
      "stale-values",
      "regions",
      "near-cache",
      "tags",
      "sql",
      "pipelines",
      "structures",
      "coordination"
    ]
  },
  { label: "Applications", pages: ["http", "frameworks", "sessions", "effect-stores", "promises", "testing"] },
  {
    label: "Servers",
    pages: ["connections", "cluster", "sentinel", "replicated", "ring", "memory", "timeouts", "outages"]
  },
  { label: "Running it", pages: ["runbook", "observability", "admin", "cli", "runtimes"] },
  { label: "Reference", pages: ["errors", "options", "operations", "faults", "bench", "changelog"] },
  { label: "Inside", pages: ["architecture", "contributing", "security"] }
]

/** Documents that lie elsewhere, by the path of their page. */
export const elsewhere: Readonly<Record<string, string>> = {
  index: "README.md",
  changelog: "CHANGELOG.md",
  contributing: "CONTRIBUTING.md",
  security: "SECURITY.md",
  bench: "bench/results.md"
}

/** The categories of public names, in the order of the API reference. A name has one of them, by what it is about. */
export const categories: ReadonlyArray<string> = [
  "cache",
  "values",
  "keys",
  "lookups",
  "tags",
  "near cache",
  "structures",
  "coordination",
  "pipelines",
  "formats",
  "errors",
  "policies",
  "observability",
  "clients",
  "sessions",
  "http",
  "sql",
  "adapters",
  "admin",
  "inspection",
  "testing"
]
