/** TLS, ACL users, database numbers and IPv6 in every topology that has them. */
import { assert } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import {
  type CacheError,
  CacheLive,
  CacheService,
  ValkeyClient,
  ValkeyCluster,
  ValkeyReplicated,
  ValkeyRing,
  ValkeySentinel,
  ValkeyStandalone,
  ValkeyUrl
} from "effect-vcache"
import { makeCertificates, tlsArguments } from "../support/certificates.ts"
import { startCluster, startTinyCluster } from "../support/ClusterFleet.ts"
import { connectTo, patient, profile, test, watchForTraces, withCache } from "../support/faults.ts"
import { startFakeSentinel } from "../support/FakeSentinel.ts"
import { startSentinelFleet } from "../support/SentinelFleet.ts"
import { freePort } from "../support/freePort.ts"
import { startTlsRouter } from "../support/TlsRouter.ts"
import { until } from "../support/until.ts"
import { startServer, type ValkeyServer } from "../support/ValkeyServer.ts"

watchForTraces()

const settings = { ...profile, ...patient }

/** May do what a cache does with keys of the prefix "app", its locks among them, and nothing else. */
const addUser = (servers: ReadonlyArray<ValkeyServer>) =>
  Effect.forEach(servers, (server) =>
    server.call(
      "ACL",
      ..."SETUSER app on >SECRET ~app:* ~%vcache:*:{app:* ~%vcache:*::app:* &* +@all -@dangerous -@admin +cluster|slots +role +info".split(
        " "
      )
    )
  )

const works = <E>(client: Layer.Layer<ValkeyClient, E>) =>
  Effect.gen(function* () {
    const { cache, client: connected } = yield* connectTo(withCache(client))
    const own = cache.withOptions({ prefix: "app" })
    const entries = Array.from({ length: 100 }, (_, i) => [`k${i}`, i] as const)
    assert.deepStrictEqual(yield* own.setMany(entries), [])
    assert.strictEqual((yield* own.getMany(entries.map(([key]) => key))).size, 100)
    assert.isTrue((yield* own.health).ready)
    assert.strictEqual((yield* own.keys()).length, 100)
    assert.strictEqual(yield* own.clear, 100)
    for (const key of ["job", "{job}:1"]) {
      assert.isTrue(yield* own.lock(key).withLock(own.lock(key).isLocked))
      assert.strictEqual(yield* own.semaphore(key, { permits: 2 }).withPermits(2)(Effect.succeed("in")), "in")
    }
    return connected
  })

const isForbidden = (effect: Effect.Effect<unknown, CacheError>) =>
  Effect.map(Effect.flip(effect), (error) =>
    assert.strictEqual(error._tag === "CacheServerError" ? error.code : error._tag, "NOPERM")
  )

test("a user with few rights, over TLS, on each topology", () =>
  Effect.gen(function* () {
    const certificates = yield* makeCertificates
    const { ca, server: certificate } = certificates
    const tls = { ca }
    const user = { ...settings, username: "app", password: Redacted.make("SECRET"), tls }

    const port = yield* Effect.promise(freePort)
    const single = yield* startServer(...tlsArguments(certificates, certificate, port))
    yield* addUser([single])
    const url = `valkeys://localhost:${port}`
    yield* isForbidden((yield* works(ValkeyStandalone.layer({ ...user, url }))).send("SET", ["other", 1]))
    const ring = yield* works(ValkeyRing.layer({ ...user, url: `rings://localhost:${port}` }))
    yield* isForbidden(ring.send("MGET", ["other", "app:1:k"]))
    yield* isForbidden((yield* works(ValkeyReplicated.layer({ ...user, urls: [url, url] }))).send("GET", ["other"]))

    const fleet = yield* startCluster({
      replicas: 0,
      // Where a cluster listens for TLS is its own affair: clients that speak it are told.
      tls: { certificates, certificate }
    })
    yield* addUser(fleet.servers)
    const cluster = yield* works(ValkeyCluster.layer({ ...user, url: fleet.tlsUrl }))
    yield* isForbidden(cluster.send("GET", ["other"]))
    yield* isForbidden(cluster.send("MGET", ["other", "app:1:k"]))
    // iovalkey's own client has the same settings.
    assert.strictEqual(yield* cluster.use((raw) => raw.set("app:1:raw", "1")), "OK")
    yield* isForbidden(cluster.use((raw) => raw.get("other")))
  }))

test("sentinels and their servers over TLS", () =>
  Effect.gen(function* () {
    const certificates = yield* makeCertificates
    const fleet = yield* startSentinelFleet({ tls: { certificates, certificate: certificates.server } })
    yield* addUser(fleet.servers)
    const options = { ...settings, username: "app", password: "SECRET", tls: { ca: certificates.ca } }
    const client = yield* works(
      ValkeySentinel.layer({ ...options, url: fleet.tlsUrl, sentinelTls: { ca: certificates.ca } })
    )
    yield* isForbidden(client.send("GET", ["other"]))
    assert.strictEqual(yield* client.use((raw) => raw.set("app:1:raw", "1")), "OK")
  }))

test("certificates that have only names: each server hears the name that is wanted of it, and `raw` connects", () =>
  Effect.gen(function* () {
    const certificates = yield* makeCertificates
    const tls = { ca: certificates.ca }
    const port = yield* Effect.promise(freePort)
    const cluster = yield* startTinyCluster(
      ..."--cluster-announce-hostname localhost --cluster-preferred-endpoint-type hostname".split(" "),
      ...tlsArguments(certificates, certificates.named, port)
    )
    yield* addUser([cluster])
    const user = { ...settings, username: "app", password: "SECRET", tls }
    const client = yield* works(ValkeyCluster.layer({ ...user, url: `clusters://localhost:${port}` }))
    assert.strictEqual(yield* client.use((raw) => raw.set("app:1:raw", "1")), "OK")

    const router = yield* startTlsRouter(certificates.named, cluster.port)
    const reach = (host: string, servername?: string) =>
      connectTo(
        withCache(
          ValkeyStandalone.layer({
            ...user,
            url: `valkeys://${host}:${router.port}`,
            tls: { ...tls, ...(servername === undefined ? {} : { servername }) }
          })
        )
      ).pipe(Effect.flatMap(({ client }) => client.send("PING", [])))
    assert.strictEqual(yield* reach("localhost"), "PONG")
    // The name of an option is the one that is said and looked for in the certificate.
    assert.strictEqual(yield* reach("127.0.0.1", "localhost"), "PONG")
    assert.deepStrictEqual(router.names, ["localhost", "localhost"])
    const error = yield* Effect.flip(reach("127.0.0.1"))
    assert.strictEqual("code" in error ? error.code : undefined, "ERR_TLS_CERT_ALTNAME_INVALID")
  }))

test("servers behind an address translation are reached where natMap says, after a failover too", () =>
  Effect.gen(function* () {
    const [one, other] = yield* Effect.all([startServer(), startServer()])
    const [inner, outer] = [
      { host: "10.255.0.1", port: 6379 },
      { host: "10.255.0.2", port: 6379 }
    ] as const
    const sentinel = yield* startFakeSentinel(inner)
    const natMap = { "10.255.0.1:6379": one, "10.255.0.2:6379": other }
    const { cache, client } = yield* connectTo(
      withCache(ValkeySentinel.layer({ ...settings, name: "main", sentinels: [sentinel.endpoint], natMap }))
    )
    yield* cache.set("k", 1)
    assert.deepStrictEqual([...(yield* client.info()).keys()], [one.node])
    yield* until("a listener", sentinel.isHeard, (heard) => heard)
    yield* sentinel.names(outer)
    yield* sentinel.says("+switch-master", "main 10.255.0.1 6379 10.255.0.2 6379")
    yield* until(
      "a client of the new primary",
      Effect.map(
        Effect.option(client.info()),
        Option.map((info) => [...info.keys()].join())
      ),
      Option.contains(other.node)
    )
  }))

test("IPv6, alone and in lists", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--bind", "127.0.0.1", "::1")
    const six = `valkey://[::1]:${server.port}/2`
    const client = yield* works(ValkeyUrl.layer(six, settings))
    assert.deepStrictEqual([...(yield* client.info()).keys()], [`[::1]:${server.port}`])
    yield* works(ValkeyUrl.layer(`${six},valkey://127.0.0.1:${server.port}/2`, settings))
    const cluster = yield* startTinyCluster("--bind", "127.0.0.1", "::1")
    yield* works(ValkeyUrl.layer(`cluster://[::1]:${cluster.port}`, settings))
  }))

test("settings from the environment, for each topology", () =>
  Effect.gen(function* () {
    const server = yield* startServer("--requirepass", "SECRET")
    const node = yield* startTinyCluster()
    const fleet = yield* startSentinelFleet()
    const from = (env: Readonly<Record<string, string>>) =>
      Layer.succeed(ConfigProvider.ConfigProvider)(ConfigProvider.fromEnv({ env }))
    const env = {
      URL: server.url,
      PASSWORD: "SECRET",
      DATABASE: "3",
      TIMEOUT: "4 seconds",
      CLUSTER: `cluster://${node.node}`,
      SENTINELS: fleet.url
    }
    const password = Config.Redacted("PASSWORD")
    const timeout = { commandTimeout: Config.Duration("TIMEOUT") }
    for (const client of [
      ValkeyStandalone.layerConfig({
        ...timeout,
        url: Config.Redacted("URL"),
        password,
        database: Config.Int("DATABASE")
      }),
      ValkeyReplicated.layerConfig({ ...timeout, urls: Config.map(Config.Redacted("URL"), (url) => [url]), password }),
      ValkeyRing.layerConfig({
        ...timeout,
        urls: Config.map(Config.Redacted("URL"), (url) => [url]),
        password,
        database: Config.Int("DATABASE")
      }),
      ValkeyCluster.layerConfig({ ...timeout, url: Config.Redacted("CLUSTER") }),
      ValkeySentinel.layerConfig({ ...timeout, url: Config.Redacted("SENTINELS") })
    ]) {
      yield* works(Layer.provide(client, from(env)))
    }
    for (const url of [
      fleet.url,
      `cluster://${node.node}`,
      `valkey://:SECRET@${server.node},valkey://:SECRET@${server.node}`,
      `ring://:SECRET@${server.node}/3?whenDown=next`
    ]) {
      yield* works(Layer.provide(ValkeyUrl.layerConfig(), from({ VALKEY_URL: url })))
    }
    const cache = Layer.provide(CacheLive, ValkeyUrl.layerConfig())
    const inMemory = Effect.provide(
      CacheService.use((cache) => Effect.andThen(cache.set("k", 1), cache.get("k"))),
      Layer.provide(cache, from({ VALKEY_URL: "memory://" }))
    )
    assert.deepStrictEqual(yield* inMemory, Option.some(1))
  }))
