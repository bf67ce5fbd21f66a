/** The parser by itself: every kind of reply, in whatever pieces, within its limits, and what no server sends. */
import { assert, describe, it } from "@effect/vitest"
import { encodeReply, isReply, type RawReply, ReplyError, withText } from "../../src/layers/connection/RawReply.ts"
import { ReplyParser } from "../../src/layers/connection/ReplyParser.ts"
import { defaultReplyLimits, type ReplyLimits } from "../../src/schema/ReplyLimits.ts"

type Told = { readonly reply: RawReply } | { readonly tooLarge: string } | { readonly skipped: true }

interface Outcome {
  readonly told: ReadonlyArray<Told>
  readonly fault: string | undefined
}

interface Options {
  readonly text?: boolean
  readonly limits?: Partial<ReplyLimits>
}

/** What the parser says of chunks that come through one buffer, as those of a socket do. */
const parse = (chunks: Iterable<Buffer>, { limits, text = true }: Options = {}): Outcome => {
  const told: Array<Told> = []
  const parser = new ReplyParser(
    {
      begin: () => text,
      reply: (reply) => told.push({ reply }),
      tooLarge: (tooLarge) => told.push({ tooLarge }),
      skipped: () => told.push({ skipped: true })
    },
    { ...defaultReplyLimits, ...limits }
  )
  let fault: string | undefined
  for (const chunk of chunks) {
    const reused = Buffer.concat([chunk, Buffer.from("rest of an earlier read")])
    const found = parser.read(reused, chunk.length)
    // Whatever was kept of the buffer would be wrong now.
    reused.fill("#")
    fault ??= found
  }
  return { told, fault }
}

const whole = (bytes: string | Buffer) => [Buffer.from(bytes)]

const inPieces = (bytes: Buffer, size: number): ReadonlyArray<Buffer> =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

const replies = (bytes: string | Buffer, options?: Options): ReadonlyArray<RawReply> => {
  const { fault, told } = parse(whole(bytes), options)
  assert.isUndefined(fault)
  return told.map((one) => ("reply" in one ? one.reply : assert.fail(JSON.stringify(one))))
}

/** Every kind of reply, one behind the other. */
const sample = Buffer.concat([
  Buffer.from("+OK\r\n+\r\n+PONG\r\n+Grüße\r\n-ERR no such thing\r\n:0\r\n:-1\r\n:+7\r\n:9007199254740991\r\n"),
  Buffer.from(
    ":9007199254740993\r\n:-9223372036854775808\r\n$-1\r\n*-1\r\n$0\r\n\r\n$5\r\nhello\r\n$2\r\n\r\n\r\n*0\r\n"
  ),
  Buffer.from("*3\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n$-1\r\n+b\r\n"),
  Buffer.from("*2\r\n-WRONGTYPE inside\r\n*-1\r\n$10\r\n"),
  Buffer.from([0xff, 0, 13, 10, 0xc3, 0xa9, 36, 45, 42, 58]),
  Buffer.from("\r\n*1\r\n*1\r\n*1\r\n*0\r\n$7\r\n日本x\r\n")
])

describe("kinds of replies", () => {
  it("are what they say, as text", () => {
    const invalid = Buffer.from([0xff, 0, 13, 10, 0xc3, 0xa9, 36, 45, 42, 58]).toString()
    assert.deepStrictEqual(replies(sample).map(shown), [
      "OK",
      "",
      "PONG",
      "Grüße",
      "error ERR no such thing",
      0,
      -1,
      7,
      9_007_199_254_740_991,
      9_007_199_254_740_993n,
      -9_223_372_036_854_775_808n,
      null,
      null,
      "",
      "hello",
      "\r\n",
      [],
      ["a", [1, [null]], "b"],
      ["error WRONGTYPE inside", null],
      invalid,
      [[[[]]]],
      "日本x"
    ])
  })

  it("have bytes as they came, where bytes are wanted", () => {
    const [reply, status, list] = replies(
      Buffer.concat([Buffer.from("$3\r\n"), Buffer.from([0, 255, 13]), Buffer.from("\r\n+OK\r\n*1\r\n$1\r\nx\r\n")]),
      { text: false }
    )
    assert.deepStrictEqual(reply, Buffer.from([0, 255, 13]))
    assert.deepStrictEqual(status, Buffer.from("OK"))
    assert.deepStrictEqual(list, [Buffer.from("x")])
    assert.deepStrictEqual(withText([Buffer.from("é"), [Buffer.from("x"), 1, null]]), ["é", ["x", 1, null]])
  })

  it("zero has no sign", () => assert.deepStrictEqual(replies(":-0\r\n"), [0]))

  it("are a program's unless they hold an error or an integer that is no number", () => {
    const list = (inner: RawReply): RawReply => [1, ["x", [inner]]]
    for (const plain of [null, 1, "x", Buffer.from("x"), list(null), []]) assert.isTrue(isReply(plain))
    for (const other of [1n, new ReplyError("x"), list(2n), list(new ReplyError("x"))]) assert.isFalse(isReply(other))
  })

  it("are the same when they are written and read again", () => {
    const all = replies(sample, { text: false })
    assert.deepStrictEqual(replies(Buffer.concat(all.map(encodeReply)), { text: false }).map(shown), all.map(shown))
  })
})

describe("pieces", () => {
  for (const text of [true, false]) {
    const expected = replies(sample, { text }).map(shown)
    const check = (chunks: ReadonlyArray<Buffer>) => {
      const { fault, told } = parse(chunks, { text })
      assert.isUndefined(fault)
      assert.deepStrictEqual(
        told.map((one) => ("reply" in one ? shown(one.reply) : one)),
        expected
      )
    }

    it(`cut at every byte, ${text ? "as text" : "as bytes"}`, () => {
      for (let at = 0; at <= sample.length; at++) check([sample.subarray(0, at), sample.subarray(at)])
    })

    it(`cut at every two bytes, ${text ? "as text" : "as bytes"}`, () => {
      for (let at = 0; at < sample.length; at += 3) {
        for (let next = at; next < sample.length; next++) {
          check([sample.subarray(0, at), sample.subarray(at, next), sample.subarray(next)])
        }
      }
    })

    it(`of 1 to 20 bytes, ${text ? "as text" : "as bytes"}`, () => {
      for (let size = 1; size <= 20; size++) check(inPieces(sample, size))
    })
  }

  it("a string of several megabytes is put together once", () => {
    const value = Buffer.alloc(5_000_000, "abcdefg")
    const bytes = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n:1\r\n")])
    for (const size of [1000, 65_536, 4_999_999]) {
      const { told } = parse(inPieces(bytes, size), { text: false })
      assert.deepStrictEqual(told.map(toldKind), ["reply", "reply"])
      const [first] = told
      assert.isTrue(first !== undefined && "reply" in first && value.equals(bytesIn(first.reply)))
    }
  })

  it("a line and a string that never end cost no more than what has come of them", () => {
    // Looking again at what has come would take minutes.
    for (const start of ["+", "-", "$500000000\r\n"]) {
      const started = process.cpuUsage()
      parse([Buffer.from(start), ...Array.from({ length: 200_000 }, () => Buffer.from("xy"))])
      assert.isBelow(process.cpuUsage(started).user, 5_000_000)
    }
  })
})

describe("limits", () => {
  const limits: ReplyLimits = { depth: 3, stringBytes: 10, totalBytes: 100, elements: 8, lineBytes: 12 }
  const long = "x".repeat(11)
  const beyond: Readonly<Record<string, readonly [bytes: string, what: RegExp]>> = {
    depth: ["*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", /^lists in one another of more than 3 deep$/],
    "depth, far": [`${"*1\r\n".repeat(10_000)}:1\r\n`, /deep/],
    "depth, wide": ["*2\r\n*2\r\n*2\r\n*2\r\n*1\r\n:1\r\n$-1\r\n+x\r\n-y\r\n:3\r\n", /deep/],
    "a string": [`$11\r\n${long}\r\n`, /^a string of more than 10 bytes$/],
    "a string in a list": [`*3\r\n+a\r\n$11\r\n${long}\r\n$1\r\nb\r\n`, /a string/],
    "a string in lists": [`*2\r\n*2\r\n:1\r\n$11\r\n${long}\r\n*1\r\n$2\r\n\r\n\r\n`, /a string/],
    elements: [`*9\r\n${":1\r\n".repeat(9)}`, /^lists of more than 8 elements$/],
    "elements of all lists": [`*4\r\n${"*2\r\n:1\r\n:2\r\n".repeat(4)}`, /elements/],
    "a status": [`+${"x".repeat(13)}\r\n`, /^a line of more than 12 bytes$/],
    "an error": [`-${"x".repeat(200)}\r\n`, /a line/],
    "an error in a list": [`*2\r\n-${"x".repeat(200)}\r\n*2\r\n:1\r\n+${long}${long}\r\n`, /a line/],
    "a reply": [`*8\r\n${"$10\r\n0123456789\r\n".repeat(8)}`, /^a reply of more than 100 bytes$/],
    "a reply of lines": [`*8\r\n${"+123456789012\r\n".repeat(8)}`, /a reply/]
  }

  for (const [name, [bytes, what]] of Object.entries(beyond)) {
    const three = Buffer.from(`:1\r\n${bytes}:2\r\n${bytes}$1\r\n3\r\n`)
    const check = ({ fault, told }: Outcome) => {
      assert.isUndefined(fault)
      assert.deepStrictEqual(told.map(toldKind), [
        "reply",
        "tooLarge",
        "skipped",
        "reply",
        "tooLarge",
        "skipped",
        "reply"
      ])
      assert.deepStrictEqual(
        told.filter((one) => "reply" in one).map(({ reply }) => reply),
        [1, 2, "3"]
      )
      for (const one of told) if ("tooLarge" in one) assert.match(one.tooLarge, what)
    }
    it(`${name}: one beyond is skipped, those beside it are read`, () => {
      check(parse(whole(three), { limits }))
      for (let at = 0; at <= Math.min(three.length, 400); at++) {
        check(parse([three.subarray(0, at), three.subarray(at)], { limits }))
      }
      for (const size of [1, 2, 3, 7]) check(parse(inPieces(three, size), { limits }))
    })
  }

  it("what is at a limit is not beyond it", () => {
    const line = "x".repeat(12)
    const at = `*1\r\n*1\r\n*1\r\n$10\r\n0123456789\r\n+${line}\r\n-${line}\r\n*8\r\n${":1\r\n".repeat(8)}`
    for (const size of [1, 2, 1000]) {
      const { told } = parse(inPieces(Buffer.from(at), size), { limits })
      assert.deepStrictEqual(told.map(toldKind), ["reply", "reply", "reply", "reply"])
    }
  })

  it("what is announced takes no room before it comes", () => {
    const before = process.memoryUsage()
    for (let i = 0; i < 50; i++) {
      for (const bytes of [
        "*16777216\r\n",
        "$536870912\r\n",
        "*4294967296\r\n",
        "*1000000000\r\n",
        "$2000000000\r\n"
      ]) {
        const { fault, told } = parse([Buffer.from(bytes), Buffer.from(":1\r\n")])
        assert.isUndefined(fault)
        assert.isAtMost(told.length, 1)
      }
    }
    const after = process.memoryUsage()
    assert.isBelow(after.heapTotal + after.arrayBuffers - before.heapTotal - before.arrayBuffers, 300_000_000)
  })

  it("the limits by default hold: 128 deep, 16 777 216 elements, a line of a megabyte", () => {
    const kinds = (bytes: string) => parse(whole(bytes)).told.map(toldKind)
    assert.deepStrictEqual(kinds(`${"*1\r\n".repeat(128)}:1\r\n`), ["reply"])
    assert.deepStrictEqual(kinds(`${"*1\r\n".repeat(129)}:1\r\n`), ["tooLarge", "skipped"])
    assert.deepStrictEqual(kinds(`+${"x".repeat(1_048_576)}\r\n`), ["reply"])
    assert.deepStrictEqual(kinds(`+${"x".repeat(1_048_577)}\r\n`), ["tooLarge", "skipped"])
    assert.deepStrictEqual(kinds("*16777217\r\n"), ["tooLarge"])
    assert.deepStrictEqual(kinds("$536870913\r\n"), ["tooLarge"])
  })

  it("100 000 lists in one another are skipped, and lists as deep as the limit allows are read", () => {
    const deep = `${"*1\r\n".repeat(100_000)}:1\r\n`
    assert.deepStrictEqual(parse(whole(deep)).told.map(toldKind), ["tooLarge", "skipped"])
    const [reply] = replies(deep, { limits: { depth: 200_000 } })
    assert.isTrue(isReply(reply!))
    assert.strictEqual(encodeReply(withText(reply!)).toString(), deep)
  })
})

describe("what no server sends", () => {
  const wrong: Readonly<Record<string, string>> = {
    "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n",
    "another kind of reply": "%1\r\n+a\r\n+b\r\n",
    "a command": "PING\r\n",
    "no kind": "\r\n",
    "a line feed alone": "+OK\n",
    "a line feed alone behind a number": "$1\nx\r\n",
    "no number": "$x\r\n",
    "a number and more": ":12a\r\n",
    "no digits": ":\r\n",
    "a sign alone": ":-\r\n",
    "two signs": ":--1\r\n",
    "a fraction": ":1.5\r\n",
    "a number of a hundred digits": `:${"1".repeat(100)}\r\n`,
    "a length of a hundred digits": `$${"1".repeat(100)}\r\n`,
    "a number without an end": `:${"1".repeat(100)}`,
    "a negative length": "$-2\r\n",
    "a negative count": "*-3\r\n",
    "a length beyond all numbers": "*99999999999999999999\r\n",
    "a string longer than announced": "$3\r\nabcd\r\n",
    "a string shorter than announced": "$5\r\nabc\r\n:1\r\n",
    "a string with half a line end": "$3\r\nabc\rx",
    "a string with another line end": "$3\r\nabc\n\n",
    "rubbish in a list": "*2\r\n:1\r\nrubbish\r\n",
    "rubbish in a reply that is skipped": `${"*1\r\n".repeat(200)}rubbish\r\n`,
    "a string longer than announced, skipped": `${"*1\r\n".repeat(200)}$1\r\nabc\r\n`
  }
  for (const [name, bytes] of Object.entries(wrong)) {
    it(`${name} is a fault, and nothing is read after it`, () => {
      for (const size of [1, 2, 3, 5, 1000]) {
        const { fault, told } = parse(inPieces(Buffer.from(`:1\r\n${bytes}:2\r\n+more\r\n$1\r\nx\r\n`), size))
        assert.isString(fault)
        assert.deepStrictEqual(told[0], { reply: 1 })
        assert.deepStrictEqual(
          told.slice(1).filter((one) => "reply" in one),
          []
        )
        assert.notInclude(fault, "rubbish")
      }
    })
  }

  it("a parser that was stopped reads nothing", () => {
    const told: Array<RawReply> = []
    const parser: ReplyParser = new ReplyParser(
      {
        begin: () => true,
        reply: (reply) => {
          told.push(reply)
          parser.stop()
        },
        tooLarge: () => {},
        skipped: () => {}
      },
      defaultReplyLimits
    )
    parser.read(Buffer.from(":1\r\n:2\r\n"))
    parser.read(Buffer.from(":3\r\n"))
    assert.deepStrictEqual(told, [1])
  })
})

const toldKind = (told: Told): string => Object.keys(told)[0] ?? ""

const bytesIn = (reply: RawReply): Buffer => (Buffer.isBuffer(reply) ? reply : assert.fail("no bytes"))

/** Errors as what they say: two of them are never equal. */
const shown = (reply: RawReply): unknown =>
  reply instanceof ReplyError ? `error ${reply.message}` : Array.isArray(reply) ? reply.map(shown) : reply
