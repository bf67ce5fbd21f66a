/** The rooms of the house, and which of them may use which. A picture of it is in docs/architecture.md. */
import { dirname } from "node:path"

/** A room is a folder; of the files that lie beside folders, doors and services, each is a room of its own. */
export const roomOf = (file: string): string => {
  const folder = dirname(file)
  return folder === "." || folder === "services" ? file.replace(/\.ts$/, "") : folder
}

const services = ["schema", "services/ValkeyClient", "services/operations"]

/** Each room, and the rooms that it uses: these and no others. */
export const mayUse: Readonly<Record<string, ReadonlyArray<string>>> = {
  schema: [],

  "services/CacheLookup": ["services/operations"],
  "services/CacheMemo": ["services/Memo"],
  "services/Memo": [],
  "services/CachePolicy": ["schema"],
  "services/CacheScript": ["schema"],
  "services/ValkeyClient": ["schema"],
  "services/operations/structures": ["schema"],
  "services/operations": ["schema", "services/CacheScript", "services/ValkeyClient", "services/operations/structures"],

  "services/cache/kernel": [...services, "services/CachePolicy", "services/cache/near", "services/cache/tags"],
  "services/cache/coordination": [...services, "services/cache/kernel"],
  "services/cache/lookups": [
    ...services,
    "services/CachePolicy",
    "services/cache/kernel",
    "services/cache/near",
    "services/cache/tags"
  ],
  "services/cache/near": ["schema", "services/ValkeyClient"],
  "services/cache/tags": ["schema", "services/ValkeyClient"],
  "services/cache/pipelines": [...services, "services/cache/kernel"],
  "services/cache/sessions": [
    "schema",
    "services/cache/kernel",
    "services/cache/near",
    "services/cache/tags",
    "services/operations"
  ],
  "services/cache/structures": [...services, "services/cache/kernel", "services/operations/structures"],
  "services/cache/values": [...services, "services/cache/kernel", "services/cache/near", "services/cache/tags"],
  "services/cache/updates": [
    ...services,
    "services/cache/coordination",
    "services/cache/kernel",
    "services/cache/tags"
  ],
  "services/cache": [
    ...services,
    "services/CachePolicy",
    "services/CacheRegion",
    "services/cache/coordination",
    "services/cache/kernel",
    "services/cache/lookups",
    "services/cache/near",
    "services/cache/pipelines",
    "services/cache/sessions",
    "services/cache/structures",
    "services/cache/updates",
    "services/cache/values"
  ],

  "services/CacheService": ["services/operations"],
  "services/CacheRegion": ["schema", "services/CacheService", "services/cache/lookups", "services/operations"],
  "services/CacheResolver": ["services/CacheService", "services/cache/lookups", "services/operations"],
  "services/SessionStore": ["schema", "services/CacheService", "services/operations"],

  "layers/commands": ["schema", "services/ValkeyClient"],
  "layers/invalidations": ["layers/commands", "schema", "services/ValkeyClient"],
  "layers/connection": ["layers/commands", "layers/invalidations", "schema", "services/ValkeyClient"],
  "layers/connection/tracking": [
    "layers/commands",
    "layers/connection",
    "layers/invalidations",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/connection/known": ["layers/connection", "layers/connection/tracking", "schema", "services/ValkeyClient"],
  "layers/connection/cluster": [
    "layers/commands",
    "layers/connection",
    "layers/connection/tracking",
    "layers/invalidations",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/connection/sentinel": ["layers/connection", "layers/connection/tracking", "schema", "services/ValkeyClient"],
  "layers/memory/values": ["schema"],
  "layers/memory/store": ["layers/memory/values", "schema"],
  "layers/memory/kernel": [
    "layers/commands",
    "layers/invalidations",
    "layers/memory/store",
    "layers/memory/values",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/memory/hashes": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory/keys": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory/lists": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory/places": [
    "layers/memory/kernel",
    "layers/memory/sortedSets",
    "layers/memory/store",
    "layers/memory/values",
    "schema"
  ],
  "layers/memory/sets": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory/sketches": ["layers/memory/kernel", "layers/memory/store", "schema"],
  "layers/memory/sortedSets": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory/streams": [
    "layers/commands",
    "layers/memory/kernel",
    "layers/memory/store",
    "layers/memory/values",
    "schema"
  ],
  "layers/memory/strings": ["layers/memory/kernel", "layers/memory/store", "layers/memory/values", "schema"],
  "layers/memory": [
    "layers/commands",
    "layers/memory/hashes",
    "layers/memory/kernel",
    "layers/memory/keys",
    "layers/memory/lists",
    "layers/memory/places",
    "layers/memory/sets",
    "layers/memory/sketches",
    "layers/memory/sortedSets",
    "layers/memory/store",
    "layers/memory/streams",
    "layers/memory/strings",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/fallback": ["layers/commands", "layers/invalidations", "schema", "services/ValkeyClient"],
  "layers/ring": [
    "layers/commands",
    "layers/connection",
    "layers/connection/cluster",
    "layers/connection/known",
    "layers/fallback",
    "layers/invalidations",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/topologies": [
    "layers/connection/cluster",
    "layers/connection/sentinel",
    "layers/connection/known",
    "layers/fallback",
    "layers/memory",
    "layers/memory/kernel",
    "layers/memory/store",
    "layers/ring",
    "schema",
    "services/ValkeyClient"
  ],
  "layers/policies": ["schema", "services/CachePolicy", "services/cache/kernel"],
  "layers/cache": [
    ...services,
    "layers/commands",
    "layers/topologies",
    "services/CachePolicy",
    "services/CacheService",
    "services/Memo",
    "services/cache"
  ],
  "layers/adapters": [
    ...services,
    "layers/commands",
    "services/CacheService",
    "services/SessionStore",
    "services/cache/kernel"
  ],
  "layers/http": [
    "layers/http/caching",
    "schema",
    "services/CacheService",
    "services/SessionStore",
    "services/operations"
  ],
  "layers/http/caching": ["schema", "services/cache/kernel", "services/operations"],
  "layers/next": ["layers/adapters", "schema", "services/CacheScript", "services/CacheService"],
  "layers/node": ["layers/http", "layers/http/caching", "services/CacheService"],
  "layers/inspection": ["schema", "services/ValkeyClient"],
  "layers/editing": ["layers/inspection", "schema", "services/ValkeyClient", "services/cache/coordination"],
  "layers/admin/access": ["schema"],
  "layers/admin/kernel": ["layers/admin/access", "services/operations"],
  "layers/admin/charts": ["layers/admin/kernel", "layers/inspection", "services/ValkeyClient"],
  "layers/admin/pages": [
    "layers/admin/access",
    "layers/admin/charts",
    "layers/admin/kernel",
    "layers/editing",
    "layers/inspection",
    "schema",
    "services/ValkeyClient",
    "services/cache/sessions"
  ],
  "layers/admin": [
    "layers/admin/access",
    "layers/admin/charts",
    "layers/admin/kernel",
    "layers/admin/pages",
    "layers/inspection",
    "schema",
    "services/operations"
  ],
  "layers/cli": [
    "layers/admin",
    "layers/admin/access",
    "layers/cache",
    "layers/editing",
    "layers/inspection",
    "layers/topologies",
    "schema",
    "services/ValkeyClient",
    "services/operations"
  ],
  "layers/sql": ["schema", "services/CacheService", "services/operations"],
  "layers/testing": ["layers/topologies", "schema", "services/CacheService", "services/ValkeyClient"],

  admin: ["layers/admin"],
  apollo: ["layers/adapters"],
  cli: ["layers/cli"],
  codecs: ["schema"],
  effect: ["layers/adapters"],
  express: ["layers/node"],
  expressSession: ["layers/adapters"],
  fastify: ["layers/node"],
  http: ["layers/http"],
  index: [
    "codecs",
    "layers/adapters",
    "layers/cache",
    "layers/inspection",
    "layers/topologies",
    "memory",
    "schema",
    "sessions"
  ],
  keyv: ["layers/adapters"],
  next: ["layers/next"],
  sql: ["layers/sql"],
  memory: [
    ...services,
    "layers/cache",
    "layers/policies",
    "layers/topologies",
    "services/CacheLookup",
    "services/CacheMemo",
    "services/CachePolicy",
    "services/CacheRegion",
    "services/CacheResolver",
    "services/CacheScript",
    "services/operations/structures"
  ],
  sessions: ["schema", "services/SessionStore", "services/operations"],
  testing: ["layers/testing"],
  unstorage: ["layers/adapters"]
}

/** Packages that one room hides from the others. Its types alone may be named by those after the bar. */
export const packages: Readonly<
  Record<string, { readonly usedBy: ReadonlyArray<string>; readonly typesFor?: ReadonlyArray<string> }>
> = {
  "@effect/platform-node": { usedBy: ["layers/cli"] },
  "express-session": { usedBy: ["layers/adapters"] },
  iovalkey: {
    usedBy: ["layers/connection", "layers/connection/cluster"],
    typesFor: ["services/ValkeyClient"]
  },
  "lz4-napi": { usedBy: ["schema"] },
  // It can import what nobody sees.
  "node:module": { usedBy: ["layers/cli", "schema"] }
}

/** Each room's floor: above all that it uses. Undefined where the table itself goes in a circle. */
export const floorsOf = (
  uses: Readonly<Record<string, ReadonlyArray<string>>>
): ReadonlyMap<string, number> | undefined => {
  const floors = new Map<string, number>()
  let rest = Object.entries(uses)
  while (rest.length > 0) {
    const ready = rest.filter(([, used]) => used.every((room) => floors.has(room)))
    if (ready.length === 0) return undefined
    const above = ready.map(
      ([room, used]) => [room, 1 + Math.max(0, ...used.map((room) => floors.get(room) ?? 0))] as const
    )
    for (const [room, floor] of above) floors.set(room, floor)
    rest = rest.filter(([room]) => !floors.has(room))
  }
  return floors
}
