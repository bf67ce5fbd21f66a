import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { connectionSettings, type ConnectionOptions } from "../../src/schema/ConnectionOptions.ts"
import { type ClusterOptions, clusterSettings } from "../../src/schema/ClusterOptions.ts"
import { type ConnectionTarget, parseConnectionUrl, splitUrls } from "../../src/schema/connectionUrl.ts"
import { replicatedSettings } from "../../src/schema/ReplicatedOptions.ts"
import { type RingOptions, ringSettings } from "../../src/schema/RingOptions.ts"
import { type SentinelOptions, sentinelSettings } from "../../src/schema/SentinelOptions.ts"

const parsed = (url: string): unknown => {
  const target = Result.getOrThrow(parseConnectionUrl(url))
  return "password" in target && target.password !== undefined
    ? { ...target, password: Redacted.value(target.password) }
    : target
}

const tcp = (host: string, port: number, rest: object = {}) => ({
  _tag: "Tcp",
  endpoint: { host, port },
  tls: false,
  username: undefined,
  password: undefined,
  database: undefined,
  ...rest
})

const sentinel = (sentinels: ReadonlyArray<object>, rest: object = {}) => ({
  _tag: "Sentinel",
  sentinels,
  name: "main",
  tls: false,
  username: undefined,
  password: undefined,
  database: undefined,
  ...rest
})

const cluster = (nodes: ReadonlyArray<object>, rest: object = {}) => ({
  _tag: "Cluster",
  nodes,
  tls: false,
  username: undefined,
  password: undefined,
  database: undefined,
  ...rest
})

const ring = (servers: ReadonlyArray<object>, rest: object = {}) => ({
  _tag: "Ring",
  servers,
  tls: false,
  username: undefined,
  password: undefined,
  database: undefined,
  whenDown: undefined,
  ...rest
})

describe("connection URLs", () => {
  const good: ReadonlyArray<readonly [string, unknown]> = [
    ["valkey://h", tcp("h", 6379)],
    ["redis://h:7000", tcp("h", 7000)],
    ["VALKEY://Host", tcp("Host", 6379)],
    ["valkeys://h", tcp("h", 6379, { tls: true })],
    ["rediss://h:1/2", tcp("h", 1, { tls: true, database: 2 })],
    ["valkey://h/", tcp("h", 6379)],
    ["valkey://h/0", tcp("h", 6379, { database: 0 })],
    ["valkey://h?db=3", tcp("h", 6379, { database: 3 })],
    ["valkey://h/3?db=3", tcp("h", 6379, { database: 3 })],
    ["valkey://[::1]:7000/1", tcp("::1", 7000, { database: 1 })],
    ["valkey://127.0.0.1", tcp("127.0.0.1", 6379)],
    ["valkey://:pw@h", tcp("h", 6379, { password: "pw" })],
    ["valkey://user:p%40ss%3A%2F@h", tcp("h", 6379, { username: "user", password: "p@ss:/" })],
    ["valkey://user:a:b@h", tcp("h", 6379, { username: "user", password: "a:b" })],
    ["valkey://u:p@ss@h", tcp("h", 6379, { username: "u", password: "p@ss" })],
    [
      "unix:///run/v.sock",
      { _tag: "Unix", path: "/run/v.sock", username: undefined, password: undefined, database: undefined }
    ],
    ["unix://u:pw@/run/v.sock?db=2", { _tag: "Unix", path: "/run/v.sock", username: "u", password: "pw", database: 2 }],
    ["sentinel://h/main", sentinel([{ host: "h", port: 26_379 }])],
    [
      "sentinel://u:pw@a:1,b,[::1]:3/main/2",
      sentinel(
        [
          { host: "a", port: 1 },
          { host: "b", port: 26_379 },
          { host: "::1", port: 3 }
        ],
        { username: "u", password: "pw", database: 2 }
      )
    ],
    ["sentinels://h/ma%20in?db=1", sentinel([{ host: "h", port: 26_379 }], { tls: true, name: "ma in", database: 1 })],
    ["cluster://h", cluster([{ host: "h", port: 6379 }])],
    [
      "clusters://:pw@a:7000,[::1]:7001/",
      cluster(
        [
          { host: "a", port: 7000 },
          { host: "::1", port: 7001 }
        ],
        { tls: true, password: "pw" }
      )
    ],
    ["cluster://h/0", cluster([{ host: "h", port: 6379 }], { database: 0 })],
    ["ring://h", ring([{ host: "h", port: 6379 }])],
    [
      "rings://u:pw@a,[::1]:7001/2?whenDown=next",
      ring(
        [
          { host: "a", port: 6379 },
          { host: "::1", port: 7001 }
        ],
        { tls: true, username: "u", password: "pw", database: 2, whenDown: "next" }
      )
    ],
    [
      "ring://a,b?db=1&whenDown=fail",
      ring(
        ["a", "b"].map((host) => ({ host, port: 6379 })),
        { database: 1, whenDown: "fail" }
      )
    ],
    ["memory://", { _tag: "Memory" }],
    ["memory:///", { _tag: "Memory" }]
  ]
  for (const [url, expected] of good) {
    it(`takes ${url}`, () => assert.deepStrictEqual(parsed(url), expected))
  }

  it("says what to write where the scheme is missing", () => {
    for (const url of ["localhost:6379", "127.0.0.1"]) {
      const error = Result.getOrUndefined(Result.flip(parseConnectionUrl(url)))
      assert.strictEqual(error?.reason, "the scheme is missing: write valkey://host:port, or valkeys:// for TLS")
    }
  })

  const bad = [
    "",
    " ",
    "SECRET",
    "h:6379",
    "valkey://",
    "valkey://:SECRET@",
    "valkey://h:0",
    "valkey://h:65536",
    "valkey://h:SECRET",
    "valkey://h/SECRET",
    "valkey://h/-1",
    "valkey://h/1.5",
    "valkey://h/1/2",
    "valkey://h/1?db=2",
    "valkey://h?db=",
    "valkey://h?db=1&db=1",
    "valkey://h?tls=true",
    "valkey://h?connectTimeout=500",
    "valkey://user:SECRET%zz@h",
    "valkey://::1",
    "valkey://ho st",
    "valkey://h#SECRET",
    "http://h",
    "https://SECRET@h",
    "tcp://h",
    "sentinel://h",
    "sentinel://h/",
    "sentinel:///main",
    "sentinel://h/main/SECRET",
    "sentinel://h/main/1/2",
    "sentinel://a,,b/main",
    "sentinel://SECRET:x@/main",
    "cluster://",
    "cluster://a,b:SECRET",
    "cluster://h/1",
    "cluster://h?db=2",
    "clusters://h/SECRET",
    "ring://",
    "ring://a,,b",
    "ring://h/SECRET",
    "ring://h/1?db=2",
    "ring://h?whenDown=SECRET",
    "ring://h?whenDown=next&whenDown=next",
    "cluster://h?whenDown=next",
    "unix://",
    "unix://host/path",
    "memory://x",
    "memory://?db=1"
  ]
  for (const url of bad) {
    it(`refuses ${JSON.stringify(url)} and shows none of it`, () => {
      const error = Result.getOrThrow(Result.flip(parseConnectionUrl(url)))
      assert.strictEqual(error._tag, "CacheInputError")
      assert.notInclude(inspect(error) + error.message + JSON.stringify(error), "SECRET")
    })
  }

  it("takes a redacted URL and keeps its password redacted", () => {
    const target = Result.getOrThrow(parseConnectionUrl(Redacted.make("valkey://u:SECRET@h")))
    assert.notInclude(inspect(target, { depth: 9 }) + JSON.stringify(target), "SECRET")
  })
})

describe("connection options", () => {
  const target: ConnectionTarget = {
    _tag: "Tcp",
    endpoint: { host: "h", port: 6379 },
    tls: false,
    username: undefined,
    password: undefined,
    database: undefined
  }

  it("has the documented defaults", () => {
    const settings = Result.getOrThrow(connectionSettings(target, {}))
    assert.deepStrictEqual(settings, {
      username: undefined,
      password: undefined,
      credentials: undefined,
      database: 0,
      tls: undefined,
      connectTimeout: 5000,
      commandTimeout: 1000,
      socketTimeout: 3000,
      closeTimeout: 1000,
      keepAlive: 5000,
      maxValueBytes: 16 * 1024 * 1024,
      replyLimits: {
        depth: 128,
        stringBytes: 512 * 1024 * 1024,
        totalBytes: 1024 * 1024 * 1024,
        elements: 16_777_216,
        lineBytes: 1024 * 1024
      },
      eager: false,
      maxInFlight: 10_000,
      queueTimeout: 1000,
      maxConnections: 10,
      poolTimeout: 5000,
      reconnectBase: 50,
      reconnectMax: 2000,
      clientName: undefined
    })
  })

  it("the URL wins over the options", () => {
    const withUrl = { ...target, password: Redacted.make("url"), database: 4 }
    const settings = Result.getOrThrow(connectionSettings(withUrl, { password: "option", database: 1 }))
    assert.strictEqual(settings.password && Redacted.value(settings.password), "url")
    assert.strictEqual(settings.database, 4)
  })

  const bad: ReadonlyArray<readonly [string, ConnectionOptions]> = [
    ["commandTimeout", { commandTimeout: 0 }],
    ["commandTimeout", { commandTimeout: -1 }],
    ["connectTimeout", { connectTimeout: Number.NaN }],
    ["closeTimeout", { closeTimeout: "Infinity" }],
    ["socketTimeout", { socketTimeout: "Infinity" }],
    ["database", { database: -1 }],
    ["database", { database: 1.5 }],
    ["maxInFlight", { maxInFlight: 0 }],
    ["maxValueBytes", { maxValueBytes: Number.NaN }],
    ["maxConnections", { maxConnections: 0.5 }],
    ["username", { username: "u" }],
    ["credentials", { password: "p", credentials: Effect.succeed({ password: "p" }) }],
    ["credentials", { credentials: {} as never }],
    ["clientName", { clientName: "with space" }],
    ["reconnect.base", { reconnect: { base: "10 seconds", max: "1 second" } }]
  ]
  for (const [field, options] of bad) {
    it(`names ${field} when it is ${JSON.stringify(options)}`, () => {
      const error = Result.getOrThrow(Result.flip(connectionSettings(target, options)))
      assert.strictEqual(error._tag, "CacheInputError")
      assert.include(error.reason, field)
    })
  }

  const badSentinels: ReadonlyArray<readonly [string, SentinelOptions]> = [
    ["sentinels", { name: "main" }],
    ["sentinels", { name: "main", sentinels: [] }],
    ["sentinels", { name: "main", sentinels: [{ host: "" }] }],
    ["sentinels", { name: "main", sentinels: [{ host: "h", port: 0 }] }],
    ["name", { sentinels: [{ host: "h" }] }],
    ["name", { url: "sentinel://h/main", name: "other" }],
    ["sentinels", { url: "sentinel://h/main", sentinels: [{ host: "h" }] }],
    ["sentinelUsername", { url: "sentinel://h/main", sentinelUsername: "u" }],
    ["sentinelCredentials", { url: "sentinel://h/main", sentinelCredentials: "p" as never }],
    ["sentinelCredentials", { url: "sentinel://h/main", sentinelCredentials: Effect.never, sentinelPassword: "p" }],
    ["sentinel://", { url: "cluster://h" }],
    ["readFrom", { url: "sentinel://h/main", readFrom: "nobody" as never }],
    ["commandTimeout", { url: "sentinel://h/main", commandTimeout: -1 }]
  ]
  for (const [field, options] of badSentinels) {
    it(`names ${field} in ${JSON.stringify(options)}`, () => {
      assert.include(Result.getOrThrow(Result.flip(sentinelSettings(options))).reason, field)
    })
  }

  const badClusters: ReadonlyArray<readonly [string, ClusterOptions]> = [
    ["nodes", {}],
    ["nodes", { nodes: [] }],
    ["nodes", { nodes: [{ host: "h h" }] }],
    ["nodes", { url: "cluster://h", nodes: [{ host: "h" }] }],
    ["database", { nodes: [{ host: "h" }], database: 1 }],
    ["cluster://", { url: "valkey://h" }],
    ["natMap", { url: "cluster://h", natMap: { "h:1": { host: "h", port: 0 } } }],
    ["natMap", { url: "cluster://h", natMap: { h: { host: "h", port: 1 } } }],
    ["readFrom", { url: "cluster://h", readFrom: "" as never }]
  ]
  for (const [field, options] of badClusters) {
    it(`names ${field} in ${JSON.stringify(options)}`, () => {
      assert.include(Result.getOrThrow(Result.flip(clusterSettings(options))).reason, field)
    })
  }

  const badRings: ReadonlyArray<readonly [string, RingOptions]> = [
    ["urls", {}],
    ["urls", { urls: [] }],
    ["urls", { url: "ring://h", urls: ["valkey://h"] }],
    ["urls", { urls: ["valkey://h", "valkey://h:6379/1"] }],
    ["ring://", { url: "valkey://h" }],
    ["valkey", { urls: ["ring://h"] }],
    [
      "name",
      {
        urls: [
          { url: "valkey://a", name: "n" },
          { url: "valkey://b", name: "n" }
        ]
      }
    ],
    ["name", { urls: ["valkey://a", "valkey://A"] }],
    ["name", { urls: [{ url: "valkey://a", name: "" }] }],
    ["weight", { urls: [{ url: "valkey://a", weight: 0 }] }],
    ["weight", { urls: [{ url: "valkey://a", weight: Number.NaN }] }],
    ["whenDown", { url: "ring://h", whenDown: "elsewhere" as never }],
    ["structures", { url: "ring://h", structures: "second" as never }],
    ["probeInterval", { url: "ring://h", probeInterval: 0 }],
    ["commandTimeout", { url: "ring://h", commandTimeout: -1 }]
  ]
  for (const [field, options] of badRings) {
    it(`names ${field} in ${JSON.stringify(options)}`, () => {
      assert.include(Result.getOrThrow(Result.flip(ringSettings(options))).reason, field)
    })
  }

  it("the servers of a ring have their own credentials and databases, and the URL says what to do without one", () => {
    const options = { username: "u", password: "all", database: 5 }
    const { servers } = Result.getOrThrow(
      ringSettings({ ...options, urls: ["valkey://:own@a/1", { url: "valkeys://b", weight: 2, name: "two" }] })
    )
    assert.deepStrictEqual(
      servers.map(({ name, node, settings, weight }) => [
        name,
        node,
        weight,
        settings.password && Redacted.value(settings.password),
        settings.database,
        settings.tls !== undefined
      ]),
      [
        ["a:6379", "a:6379", 1, "own", 1, false],
        ["two", "b:6379", 2, "all", 5, true]
      ]
    )
    // It is the same place in capitals.
    const [capital] = Result.getOrThrow(ringSettings({ urls: ["valkey://Cache"] })).servers
    assert.deepInclude(capital, { node: "Cache:6379", name: "cache:6379" })
    const inUrl = Result.getOrThrow(ringSettings({ url: "ring://a,b?whenDown=next" }))
    assert.deepInclude(inUrl, { whenDown: "next", structures: "fail", probeInterval: 1000 })
    assert.strictEqual(Result.getOrThrow(ringSettings({ url: "ring://a,b", whenDown: "next" })).whenDown, "next")
  })

  it("sentinels and data servers have credentials and TLS of their own", () => {
    const settings = Result.getOrThrow(
      sentinelSettings({ url: "sentinel://u:data@h/main/2", sentinelPassword: "guard", sentinelTls: { ca: "x" } })
    )
    assert.strictEqual(settings.data.password && Redacted.value(settings.data.password), "data")
    assert.strictEqual(settings.data.database, 2)
    assert.isUndefined(settings.data.tls)
    assert.strictEqual(settings.sentinel.password && Redacted.value(settings.sentinel.password), "guard")
    assert.isUndefined(settings.sentinel.username)
    assert.strictEqual(settings.sentinel.database, 0)
    assert.strictEqual(settings.sentinel.tls?.ca, "x")
    const secure = Result.getOrThrow(sentinelSettings({ url: "sentinels://h/main" }))
    assert.isDefined(secure.data.tls)
    assert.isDefined(secure.sentinel.tls)
  })
})

describe("lists of URLs", () => {
  const split = (urls: string) => splitUrls(urls).map(Redacted.value)

  it("are split between URLs, not between hosts", () => {
    assert.deepStrictEqual(split("valkey://a"), ["valkey://a"])
    assert.deepStrictEqual(split("valkey://a:1,redis://b,unix:///c"), ["valkey://a:1", "redis://b", "unix:///c"])
    assert.deepStrictEqual(split("cluster://a:1,b:2"), ["cluster://a:1,b:2"])
  })

  it("hold URLs of one server each", () => {
    const error = Result.getOrThrow(Result.flip(replicatedSettings({ urls: ["valkey://a", "cluster://SECRET:x@b"] })))
    assert.include(error.reason, "valkey")
    assert.notInclude(inspect(error), "SECRET")
    assert.include(Result.getOrThrow(Result.flip(replicatedSettings({ urls: [] }))).reason, "urls")
  })
})
