/** Which tables are found in the text of a statement. A table more is an invalidation too many; one less is served for ever. */
import { assert, describe, it } from "@effect/vitest"
import { sqlTokens } from "../../src/layers/sql/sqlTokens.ts"
import { tablesRead } from "../../src/layers/sql/tablesRead.ts"
import { tablesWritten } from "../../src/layers/sql/tablesWritten.ts"

const reads: ReadonlyArray<readonly [sql: string, tables: ReadonlyArray<string> | undefined]> = [
  ["SELECT * FROM users", ["users"]],
  ["select name from Users u where id = ?", ["users"]],
  ['SELECT * FROM "public"."Users" AS u;', ["users"]],
  ["SELECT * FROM [dbo].[Order Lines]", ["order lines"]],
  ["SELECT * FROM `a``b`, c x, d.e", ["a`b", "c", "e"]],
  ["SELECT * FROM a JOIN b ON a.id = b.id, c WHERE a.x IN (1, 2)", ["a", "b", "c"]],
  ["SELECT * FROM a LEFT OUTER JOIN b USING (id, x) NATURAL JOIN c ORDER BY 1, 2", ["a", "b", "c"]],
  ["SELECT * FROM (a JOIN (b JOIN c ON 1) ON 2), d", ["a", "b", "c", "d"]],
  ["SELECT (SELECT max(x) FROM b), c FROM a WHERE EXISTS (SELECT 1 FROM d)", ["b", "a", "d"]],
  ["(SELECT 1 FROM a) UNION ALL (SELECT 2 FROM b)", ["a", "b"]],
  ["SELECT * FROM ((SELECT 1 FROM a) UNION SELECT 2 FROM b) x, c", ["a", "b", "c"]],
  ["WITH x (n) AS (SELECT id FROM a), y AS (SELECT * FROM x) SELECT * FROM y", ["a", "x", "y"]],
  ["SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i) l", ["a", "b"]],
  ["SELECT * FROM a CROSS APPLY (SELECT * FROM b) x", ["a", "b"]],
  ["SELECT * FROM a, (VALUES (1, 2)) v (x, y), c", ["a", "c"]],
  ["SELECT x FROM a -- from b\n/* , c */ , d", ["a", "d"]],
  ["SELECT ' FROM b', 'it''s', \"from\" FROM a", ["a"]],
  ["SELECT a.from, extract(year FROM t), a::date FROM a WHERE x IS NOT DISTINCT FROM ?", ["a"]],
  ["SELECT count(*) FILTER (WHERE x), arr[1] FROM a GROUP BY y, z HAVING 1 LIMIT 2, 3", ["a"]],
  ["SELECT replace(x, 1, 2) FROM größe", ["größe"]],
  // No plain SELECT.
  ["SELECT 1", []],
  ["INSERT INTO a SELECT * FROM b", undefined],
  ["WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", undefined],
  ["SELECT * INTO b FROM a", undefined],
  ["SELECT * FROM a FOR UPDATE", undefined],
  ["SELECT 1 FROM a; SELECT 2 FROM b", undefined],
  ["TABLE a", undefined],
  ["SELECT 1 FROM a UNION TABLE b", undefined],
  ["PRAGMA table_info(a)", undefined],
  // A function in place of a table reads what it likes.
  ["SELECT * FROM a, secrets()", undefined],
  ["SELECT * FROM ONLY a", undefined],
  // Read in another way by one dialect or the other.
  ["SELECT '\\' FROM a WHERE x = ' , b '", undefined],
  ["SELECT * FROM a#b\n, c", undefined],
  ["SELECT $$ FROM a $$ FROM b", undefined],
  ["SELECT 1 FROM a /* /* */ , b */", undefined],
  ["SELECT 1 FROM a /*! , b */", undefined],
  ["SELECT 5--1\n, x FROM a", undefined],
  ["SELECT [it's] FROM a", undefined],
  ["SELECT * FROM 'users'", undefined],
  ["SELECT * FROM", undefined],
  ["SELECT * FROM (a", undefined],
  ["SELECT * FROM a)", undefined],
  ["SELECT * FROM a,", undefined],
  ["SELECT 'open FROM a", undefined]
]

const writes: ReadonlyArray<readonly [sql: string, tables: ReadonlyArray<string> | "all"]> = [
  ["SELECT * FROM a", []],
  ["SELECT * FROM a FOR UPDATE;", []],
  ["SELECT '\\; DELETE FROM a' FROM b", "all"],
  ["SELECT '\\' FROM b", []],
  ["-- a comment\nSELECT 1", []],
  ["VALUES (1)", []],
  ["EXPLAIN SELECT 1", []],
  ["BEGIN IMMEDIATE", []],
  ["START TRANSACTION", []],
  ["ROLLBACK", []],
  ["WITH x AS (SELECT 1) SELECT * FROM x", []],
  ["INSERT INTO users (name) VALUES (?)", ["users"]],
  ['insert or replace into main."Users" values (1)', ["users"]],
  ["INSERT IGNORE INTO a SELECT * FROM b ON DUPLICATE KEY UPDATE x = 1", ["a"]],
  ["INSERT INTO a (x) VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2 RETURNING *", ["a"]],
  ["REPLACE INTO a VALUES (1)", ["a"]],
  ["UPDATE a SET x = (SELECT max(y) FROM b)", ["a"]],
  ["UPDATE OR IGNORE a AS x SET y = replace(y, 1, 2)", ["a"]],
  ["UPDATE ONLY a SET x = 1", ["a"]],
  ["UPDATE x SET y = 1 FROM users AS x WHERE 1", ["x", "users"]],
  ["DELETE FROM a WHERE id IN (SELECT id FROM b)", ["a"]],
  ["DELETE FROM a USING b WHERE a.i = b.i", ["a"]],
  ["TRUNCATE TABLE a, b.c RESTART IDENTITY", ["a", "c"]],
  [
    "MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT (i) VALUES (1)",
    ["a"]
  ],
  ["WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d", ["a", "b"]],
  ["UPDATE a SET x = 1; DELETE FROM b;", ["a", "b"]],
  ["UPDATE a SET x = 1; CALL p()", "all"],
  ["SELECT * INTO b FROM a", "all"],
  ["EXPLAIN ANALYZE DELETE FROM a", "all"],
  ["UPDATE a, b SET a.x = b.x", "all"],
  ["UPDATE a JOIN b ON 1 SET x = 1", "all"],
  ["DELETE a FROM a JOIN b", "all"],
  ["DELETE FROM a, b USING a JOIN b", "all"],
  ["DELETE FROM x FROM users x", "all"],
  ["TRUNCATE a CASCADE", "all"],
  ["INSERT a VALUES (1)", "all"],
  ["SELECT 1 UPDATE a SET x = 1", "all"],
  ["SELECT 1 EXEC p", "all"],
  ["INSERT INTO a VALUES (1) EXEC p", "all"],
  ["INSERT INTO a VALUES (1) UPDATE b SET x = 1", ["a", "b"]],
  ["SELECT replace(x, 1, 2), a.delete FROM a", []],
  ["CREATE TABLE a (x)", "all"],
  ["COMMIT", "all"],
  ["BEGIN UPDATE a SET x = 1", "all"],
  ["CALL p()", "all"],
  ["INSERT INTO a VALUES ('\\')", "all"],
  ["", []]
]

describe("the tables of a statement", () => {
  for (const [sql, tables] of reads) {
    it(`are read by ${JSON.stringify(sql)}`, () => assert.deepStrictEqual(tablesRead(sql), tables))
  }

  for (const [sql, tables] of writes) {
    it(`are written by ${JSON.stringify(sql)}`, () => assert.deepStrictEqual(tablesWritten(sql), tables))
  }

  it("are looked for in a time that grows with the text", () => {
    const began = process.cpuUsage()
    for (const part of ["(", "a,", "/*", "--", "'", '"', "[a ", " ", "--\r", "a.", "'' "]) {
      const text = `SELECT 1 FROM ${part.repeat(50_000)}`
      sqlTokens(text)
      tablesRead(text)
      tablesWritten(`INSERT INTO ${part.repeat(50_000)}`)
    }
    const { system, user } = process.cpuUsage(began)
    assert.isBelow((user + system) / 1e6, 5)
  })
})
