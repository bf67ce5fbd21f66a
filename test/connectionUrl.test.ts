import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result } from "effect"
import { connectionSettings, type ConnectionOptions } from "../src/schema/ConnectionOptions.ts"
import { type ConnectionTarget, parseConnectionUrl } from "../src/schema/ConnectionUrl.ts"

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

describe("connection URLs (D22)", () => {
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
    ["memory://", { _tag: "Memory" }],
    ["memory:///", { _tag: "Memory" }]
  ]
  for (const [url, expected] of good) {
    it(`takes ${url}`, () => assert.deepStrictEqual(parsed(url), expected))
  }

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
    "sentinel://h/m",
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
      database: 0,
      tls: undefined,
      connectTimeout: 5000,
      commandTimeout: 1000,
      socketTimeout: 3000,
      closeTimeout: 1000,
      keepAlive: 5000,
      maxValueBytes: 16 * 1024 * 1024,
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
    ["socketTimeout", { socketTimeout: 2 ** 40 }],
    ["database", { database: -1 }],
    ["database", { database: 1.5 }],
    ["maxInFlight", { maxInFlight: 0 }],
    ["maxValueBytes", { maxValueBytes: Number.NaN }],
    ["maxConnections", { maxConnections: 0.5 }],
    ["username", { username: "u" }],
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
})
