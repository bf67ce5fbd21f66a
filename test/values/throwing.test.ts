/** Whatever a program's own code throws while a value or a key is encoded or decoded is a typed error without a word of the contents. */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Schema, SchemaGetter } from "effect"
import { Persistence } from "effect/persistence"
import {
  ValkeyClient,
  ValkeyMemory,
  CacheMemory,
  CacheRegion,
  CacheScript,
  CacheService,
  Compressor,
  type KeyFunction,
  Serializer
} from "effect-vcache"
import { EffectBackingPersistence } from "effect-vcache/effect"

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

const tree = (levels: number): Tree => {
  let root: Tree = { name: "SECRET", children: [] }
  for (let i = 0; i < levels; i++) root = { name: "SECRET", children: [root] }
  return root
}

const deepText = (levels: number) => '{"name":"SECRET","children":['.repeat(levels) + "]}".repeat(levels)

/** A failure that the types know, and that shows nothing of the value. */
const assertTyped = (tag: string, exit: Exit.Exit<unknown, unknown>) => {
  assert.isTrue(Exit.isFailure(exit), String(exit))
  if (!Exit.isFailure(exit)) return
  const [reason] = exit.cause.reasons
  assert.isTrue(reason?._tag === "Fail", String(exit.cause))
  assert.strictEqual(reason?._tag === "Fail" ? Reflect.get(Object(reason.error), "_tag") : undefined, tag)
  assert.notInclude(JSON.stringify(exit) + String(exit.cause), "SECRET")
}

const serializers = Object.entries({
  json: Serializer.json,
  msgpack: Serializer.msgpack,
  binary: Serializer.binary
})

describe("values of a recursive schema that are too deep", () => {
  for (const [name, serializer] of serializers) {
    it.effect(`${name}: are refused by set, and getOrSet gives what was looked up`, () =>
      Effect.gen(function* () {
        const trees = (yield* CacheService).withOptions({ serializer }).withSchema(Tree)
        const deep = tree(20_000)
        assertTyped("CacheCodecError", yield* Effect.exit(trees.set("k", deep)))
        assertTyped("CacheCodecError", yield* Effect.exit(trees.hash("h").set("f", deep)))
        assert.strictEqual(yield* trees.getOrSet("new", Effect.succeed(deep)), deep)
        assert.isFalse(yield* trees.has("new"))
        yield* trees.set("k", tree(3))
        assert.deepStrictEqual(yield* trees.get("k"), Option.some(tree(3)))
      }).pipe(Effect.provide(CacheMemory))
    )
  }

  it.effect("and, where another release stored them, are a codec error for get and a miss for getOrSet", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const trees = cache.withSchema(Tree)
      for (const levels of [1500, 3000, 50_000]) {
        yield* cache.client.send("SET", [cache.makeKey("k"), deepText(levels)])
        assertTyped("CacheCodecError", yield* Effect.exit(trees.get("k")))
        assertTyped("CacheCodecError", yield* Effect.exit(trees.getMany(["k"])))
        assert.deepStrictEqual(yield* trees.getOrSet("k", Effect.succeed(tree(1))), tree(1))
        assert.deepStrictEqual(yield* trees.get("k"), Option.some(tree(1)))
      }
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("a value that holds itself is refused without a schema, too", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const own: Record<string, unknown> = { SECRET: 1 }
      own["SECRET"] = own
      for (const serializer of [Serializer.json, Serializer.msgpack]) {
        assertTyped("CacheCodecError", yield* Effect.exit(cache.withOptions({ serializer }).set("k", own)))
      }
    }).pipe(Effect.provide(CacheMemory))
  )
})

/** As a schema of the program might: `new URL`, an assertion, a Promise that is rejected. */
const throwing = (kind: "throw" | "die") =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.String, {
      decode:
        kind === "throw"
          ? SchemaGetter.transform((text: string) => new URL(text).host)
          : SchemaGetter.transformEffect((text: string) =>
              Effect.andThen(Effect.yieldNow, Effect.die(new Error(text)))
            ),
      encode: SchemaGetter.transform((host: string) => {
        if (host === "SECRET") throw new Error(host)
        return `https://${host}`
      })
    })
  )

describe("a schema that throws", () => {
  for (const kind of ["throw", "die"] as const) {
    for (const [name, serializer] of serializers) {
      it.effect(`${kind}, ${name}: is a codec error, and in getOrSet a miss`, () =>
        Effect.gen(function* () {
          const cache = (yield* CacheService).withOptions({ serializer, compressor: Compressor.gzip({ threshold: 0 }) })
          const texts = cache.withSchema(Schema.String)
          const hosts = cache.withSchema(throwing(kind))
          yield* texts.set("k", "SECRET of an older release")
          assertTyped("CacheCodecError", yield* Effect.exit(hosts.get("k")))
          assertTyped("CacheCodecError", yield* Effect.exit(hosts.getMany(["k"])))
          assert.strictEqual(yield* hosts.getOrSet("k", Effect.succeed("example.org")), "example.org")
          assertTyped("CacheCodecError", yield* Effect.exit(hosts.set("k", "SECRET")))
          assert.strictEqual(yield* hosts.getOrSet("new", Effect.succeed("SECRET")), "SECRET")
        }).pipe(Effect.provide(CacheMemory))
      )
    }
  }

  it.effect("in a script's arguments and result is a codec error", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const echo = CacheScript.make({
        name: "echo",
        keys: [],
        args: { host: throwing("throw") },
        result: throwing("throw"),
        lua: "return ARGV[1]",
        memory: (_store, _keys, [host = ""]) => String(host).replace("https://", "SECRET ")
      })
      for (const host of ["SECRET", "example.org"]) {
        assertTyped("CacheCodecError", yield* Effect.exit(cache.script(echo, { keys: {}, args: { host } })))
      }
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("an error of a schema", () => {
  it.effect("names the schema's properties, not the keys of a record, and no message that is made while it runs", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const Quoting = Schema.String.check(Schema.makeFilter((text: string) => `${text} is not allowed`))
      for (const [schema, value, message] of [
        [Schema.Struct({ amount: Schema.Int }), { amount: "SECRET" }, "Expected number at .amount"],
        [Schema.Record(Schema.String, Schema.Int), { SECRET: "SECRET" }, "Expected number at […]"],
        [Schema.Struct({ a: Schema.Array(Quoting) }), { a: ["SECRET"] }, "Expected a valid value at .a[0]"],
        [Schema.Literals(["x", "y"]), "SECRET", 'Expected "x" | "y"']
      ] as const) {
        yield* cache.set("k", value)
        const exit = yield* Effect.exit(cache.withSchema<Schema.Codec<unknown, unknown>>(schema).get("k"))
        assertTyped("CacheCodecError", exit)
        assert.include(String(exit), message)
      }
    }).pipe(Effect.provide(CacheMemory))
  )

  it.effect("for a type without a form, or without any form, is of the operation, not of withSchema", () =>
    Effect.gen(function* () {
      const cache = yield* CacheService
      const maps = Schema.instanceOf(Map)
      for (const [serializer, tag] of [
        [Serializer.json, "CacheCodecError"],
        [Serializer.msgpack, "CacheCodecError"],
        [Serializer.binary, "CacheCodecError"]
      ] as const) {
        const typed = cache.withOptions({ serializer }).withSchema(maps)
        assertTyped(tag, yield* Effect.exit(typed.set("k", new Map([["SECRET", 1]]))))
        assert.strictEqual((yield* typed.getOrSet("new", Effect.succeed(new Map([["a", 1]])))).size, 1)
      }
      const symbols = cache.withSchema(Schema.Struct({ [Symbol.for("s")]: Schema.String }))
      assertTyped("CacheInputError", yield* Effect.exit(symbols.set("k", { [Symbol.for("s")]: "SECRET" })))
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("a key", () => {
  class Trees extends CacheRegion.Service<Trees>()("Trees", {
    key: Tree,
    value: Schema.String,
    lookup: () => Effect.succeed("found")
  }) {}

  it.effect("of a region that is too deep is an input error", () =>
    Effect.gen(function* () {
      const trees = Context.get(yield* Layer.build(Layer.provide(Trees.layer, CacheMemory)), Trees)
      assertTyped("CacheInputError", yield* Effect.exit(trees.get(tree(20_000))))
      assertTyped("CacheInputError", yield* Effect.exit(trees.getMany([tree(20_000)])))
      assertTyped("CacheInputError", yield* Effect.exit(trees.invalidate(tree(20_000))))
      assert.strictEqual(yield* trees.get(tree(2)), "found")
    }).pipe(Effect.scoped)
  )

  it.effect("whose function throws is an input error; what it cannot reverse is not the cache's", () =>
    Effect.gen(function* () {
      const keyFunction: KeyFunction = {
        make: ({ key, prefix }) => {
          if (key.includes("SECRET")) throw new Error(key)
          return `${prefix}/${key}`
        },
        reverse: (final) => {
          if (!final.startsWith("p/")) throw new Error("not mine")
          return final.slice(2)
        }
      }
      const plain = yield* CacheService
      const cache = plain.withOptions({ keyFunction, prefix: "p" })
      yield* plain.client.send("SET", ["other", "1"])
      yield* cache.set("a", 1)
      for (const effect of [
        cache.get("SECRET"),
        cache.set("SECRET", 1),
        cache.getMany(["a", "SECRET"]),
        cache.getOrSet("SECRET", Effect.succeed(1)),
        cache.hash("SECRET").get("f"),
        cache.keys("SECRET*"),
        cache.deletePattern("SECRET*"),
        cache.rename("a", "SECRET")
      ]) {
        assertTyped("CacheInputError", yield* Effect.exit<unknown, unknown, never>(effect))
      }
      assert.deepStrictEqual(yield* cache.keys(), ["a"])
    }).pipe(Effect.provide(CacheMemory))
  )
})

describe("EffectBackingPersistence", () => {
  it.effect("quotes nothing of a stored text that is no JSON", () =>
    Effect.gen(function* () {
      const store = yield* (yield* Persistence.BackingPersistence).make("s")
      yield* (yield* ValkeyClient).send("SET", ["s:k", "{SECRET"])
      const error = yield* Effect.flip(store.get("k"))
      assert.strictEqual(error._tag, "PersistenceError")
      assert.notInclude(inspect(error, { depth: 9 }), "SECRET")
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(EffectBackingPersistence.layer(), ValkeyMemory.layer())))
  )
})
