/** An editor shows the comment of each name and member, and types that can be read. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { doorsOf } from "./support/house/doors.ts"
import { TypeChecker } from "./support/house/TypeChecker.ts"

const root = join(import.meta.dirname, "..")
const source = join(root, "src")
const folder = join(root, ".cache", "editor")
const file = join(folder, "expressions.ts")
const planted = join(folder, "planted.ts")

const prelude = `
import { Context, Effect, Layer, Option, Schema } from "effect"
import {
  CacheFromConfig, CacheLive, CacheRegion, CacheScript, CacheService, makeClient, SessionStore, type TypedCache, ValkeyStandalone
} from "effect-vcache"

class User extends Schema.Class<User>("User")({ id: Schema.Int, name: Schema.String }) {}
class NoUser extends Schema.TaggedError<NoUser>("NoUser")("NoUser", { id: Schema.Int }) {}
class Database extends Context.Service<Database, { readonly find: (id: number) => Effect.Effect<User, NoUser> }>()("Database") {}
declare const ada: User
declare const cache: TypedCache<unknown>
declare const findUser: Effect.Effect<User, NoUser, Database>
const users = cache.withSchema(User)
const lookup = (id: number) => Database.use((database) => database.find(id))
class Users extends CacheRegion.Service<Users>()("Users", { key: Schema.Int, value: User, lookup }) {}
const add = CacheScript.make({ name: "add", keys: ["to"], args: { by: Schema.Int }, result: Schema.Int, lua: "" })
const client = ValkeyStandalone.layer({ url: "valkey://localhost" })
const promises = makeClient(CacheFromConfig)
`

/** Typical expressions, and the type that an editor shows for each. */
const expressions: ReadonlyArray<readonly [expression: string, type: string]> = [
  [`CacheService.use((cache) => cache.get("1"))`, "Effect<Option<unknown>, ValueError, CacheService>"],
  [`cache.withSchema(User)`, "TypedCache<User, never, never>"],
  [`users.get("1")`, "Effect<Option<User>, ValueError, never>"],
  [`users.set("1", ada)`, "Effect<boolean, ValueError, never>"],
  [`users.getMany(["1"])`, "Effect<ReadonlyMap<string, User>, ValueError, never>"],
  [`users.update("1", Option.map((user) => user))`, "Effect<Option<User>, CacheConflictError | ValueError, never>"],
  [`cache.incr("visits")`, "Effect<number, ExistingKeyError, never>"],
  [`cache.rename("a", "b")`, "Effect<boolean, CacheError, never>"],
  [`users.getOrSet("1", findUser)`, "Effect<User, NoUser | CommandError, Database>"],
  [`findUser.pipe(users.cached("1"))`, "Effect<User, NoUser | CommandError, Database>"],
  [`Users.use((users) => users.get(1))`, "Effect<User, NoUser | CommandError, Users>"],
  [`Users.layer`, "Layer<Users, CacheInputError, CacheService | Database>"],
  [
    `cache.memoize({ name: "user", key: Schema.Int, value: User }, lookup)`,
    "Effect<Memoized<number, User, NoUser, never>, CacheInputError, Database>"
  ],
  [
    `cache.lock("job").withLock(findUser)`,
    "Effect<User, LockLost | LockUnavailable | NoUser | CommandError, Database>"
  ],
  [`cache.lock("job").acquire`, "Effect<HeldLock, LockUnavailable | CommandError, Scope>"],
  [`users.hash("all").getAll`, "Effect<ReadonlyMap<string, User>, ValueError, never>"],
  [`users.stream("log").follow()`, "Stream<StreamEntry<User>, ValueError, never>"],
  [
    `users.pipeline((queue) => [queue.get("1"), queue.incr("visits")])`,
    "Effect<[Option<User>, number], CacheError, never>"
  ],
  [
    `users.transaction((queue) => ({ user: queue.get("1"), stored: queue.set("2", ada) }))`,
    "Effect<{ user: Option<User>; stored: boolean; }, ValueError, never>"
  ],
  [`cache.script(add, { keys: { to: "n" }, args: { by: 1 } })`, "Effect<number, ValueError, never>"],
  [`SessionStore.make({ data: User })`, "Effect<SessionStoreShape<User, never, never>, CacheInputError, CacheService>"],
  [`promises`, "PromiseCache<unknown>"],
  [`promises.getOrSet("1", () => 1)`, "Promise<number>"],
  [`CacheFromConfig`, "CacheFromConfig"],
  [`CacheLive.layer({ prefix: "shop" })`, "Layer<CacheService, CacheInputError, ValkeyClient>"],
  [`Layer.provide(CacheLive, client)`, "Layer<CacheService, CommandError, never>"]
]

/** Members that the language adds by itself, or that are a word of the type. */
const needsNone = /\.(?:prototype|_tag|__#.*)$/

/** `Data.taggedEnum` makes them, and has no place for a comment: that of the name tells of each. */
const made: ReadonlySet<string> = new Set(["Found", "Missing", "Ended", "Unknown"].map((tag) => `SessionStatus.${tag}`))

describe("an editor", () => {
  let checker: TypeChecker

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, prelude + expressions.map(([code], i) => `export const e${i} = ${code}\n`).join(""))
    writeFileSync(
      planted,
      "/** It is told. */\nexport interface told {\n  /** It is told. */\n  a: 1\n  untold: 2\n}\n"
    )
    const config = join(folder, "tsconfig.json")
    writeFileSync(config, JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts", "../../src/**/*.ts"] }))
    checker = new TypeChecker(config)
  })
  afterAll(() => checker.close())

  const untold = (door: string, below: string) =>
    checker
      .shownBy(door, below)
      .filter(({ comment, name }) => comment === "" && !needsNone.test(name) && !made.has(name))
      .map(({ name }) => name)

  it("shows the comment of each name and member", () => {
    let count = 0
    for (const door of doorsOf(root)) {
      count += checker.shownBy(join(source, door), source).length
      assert.deepStrictEqual(untold(join(source, door), source), [], door)
    }
    assert.isAbove(count, 1400)
    assert.deepStrictEqual(untold(planted, folder), ["told.untold"])
  })

  it("shows short types for typical expressions", () => {
    assert.deepStrictEqual(checker.faultsOf(file), [])
    const types = checker.typesOf(file)
    assert.deepStrictEqual(
      expressions.map(([code], i) => [code, types.get(`e${i}`)]),
      expressions.map((expression) => [...expression])
    )
    for (const [, type] of expressions) assert.isAtMost(type.length, 80)
  })
})
