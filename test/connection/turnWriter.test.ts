/** What is written when, and in how many writes. */
import { Writable } from "node:stream"
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { TurnWriter } from "../../src/layers/connection/TurnWriter.ts"
import { Question } from "../../src/layers/connection/Question.ts"

/** A socket that keeps what is written to it: each array is one write, which `writev` may have of several parts. */
class KeepingSocket extends Socket {
  readonly writes: Array<ReadonlyArray<Buffer>> = []
  /** What it was given, of which it may keep nothing once it has said that it is done. */
  readonly given: Array<Buffer | string> = []

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.given.push(chunk)
    this.writes.push([bytesOf(chunk, encoding)])
    done()
  }

  override _writev(
    chunks: ReadonlyArray<{ readonly chunk: Buffer | string; readonly encoding: BufferEncoding }>,
    done: () => void
  ): void {
    this.given.push(...chunks.map(({ chunk }) => chunk))
    this.writes.push(chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding)))
    done()
  }

  get text(): string {
    return this.sent.toString("latin1")
  }

  get sent(): Buffer {
    return Buffer.concat(this.writes.flat())
  }
}

/** A socket whose kernel takes nothing at once: what is written is read when it is its turn. */
class SlowSocket extends Socket {
  sent = Buffer.alloc(0)
  #waiting: ReadonlyArray<Buffer | string> | undefined
  #done = () => {}

  override _write(chunk: Buffer | string, _: BufferEncoding, done: () => void): void {
    this.#waiting = [chunk]
    this.#done = done
  }

  override _writev(chunks: ReadonlyArray<{ readonly chunk: Buffer | string }>, done: () => void): void {
    this.#waiting = chunks.map(({ chunk }) => chunk)
    this.#done = done
  }

  drain(): void {
    for (let parts = this.#waiting; parts !== undefined; parts = this.#waiting) {
      this.sent = Buffer.concat([this.sent, ...parts.map((part) => Buffer.from(part))])
      this.#waiting = undefined
      this.#done()
    }
  }
}

const bytesOf = (chunk: Buffer | string, encoding: BufferEncoding): Buffer =>
  typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk)

const endOfTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

const start = () => startOn(new KeepingSocket())

const startOn = <S extends Socket>(socket: S) => {
  const writer = new TurnWriter(socket)
  const write = (name: string, ...args: ReadonlyArray<string | Buffer>) => {
    new Question(name, args, 1000).writeTo(writer)
    writer.end()
  }
  return { socket, writer, write }
}

describe("a turn of the event loop", () => {
  it("is one write, after its promises", async () => {
    assert.isTrue(start().socket instanceof Writable)
    const { socket, write, writer } = start()
    write("A")
    await Promise.resolve()
    write("B", "x")
    assert.deepStrictEqual(socket.writes, [])
    assert.strictEqual(writer.waiting, 2)
    await endOfTurn()
    assert.lengthOf(socket.writes, 1)
    assert.strictEqual(socket.text, "*1\r\n$1\r\nA\r\n*2\r\n$1\r\nB\r\n$1\r\nx\r\n")
    assert.strictEqual(writer.waiting, 0)
    write("C")
    await endOfTurn()
    assert.lengthOf(socket.writes, 2)
  })

  it("of many commands is a few writes of growing size, one where they belong together", async () => {
    const apart = start()
    for (let i = 0; i < 200; i++) apart.write("A")
    await endOfTurn()
    assert.deepStrictEqual(
      apart.socket.writes.map((parts) => Buffer.concat(parts).length / 11),
      [32, 64, 104]
    )
    const together = start()
    together.writer.together = true
    for (let i = 0; i < 200; i++) together.write("A")
    together.writer.together = false
    await endOfTurn()
    assert.lengthOf(together.socket.writes, 1)
  })

  it("is written before somebody else writes", async () => {
    const { socket, write, writer } = start()
    write("A")
    writer.flush()
    socket.write("theirs")
    write("B")
    await endOfTurn()
    assert.strictEqual(socket.text, "*1\r\n$1\r\nA\r\ntheirs*1\r\n$1\r\nB\r\n")
  })

  it("is not overwritten while the socket has not taken it", async () => {
    const { socket, write } = startOn(new SlowSocket())
    const commands: Array<ReadonlyArray<string | Buffer>> = []
    for (let turn = 0; turn < 30; turn++) {
      for (let i = 0; i < 3; i++) {
        const command = [`${turn}-${i}`, String(turn % 10).repeat(100 * 3 ** (turn % 6)), Buffer.alloc(turn * 1000, i)]
        commands.push(command)
        write("SET", ...command)
      }
      await endOfTurn()
      if (turn % 4 === 3) socket.drain()
      await endOfTurn()
    }
    socket.drain()
    assert.isTrue(socket.sent.equals(asProtocol("SET", commands)))
  })

  it("of long texts is written as soon as there are many bytes of it", async () => {
    const { socket, write } = start()
    for (let i = 0; i < 4; i++) write("A", "x".repeat(40_000))
    assert.lengthOf(socket.writes, 2)
    await endOfTurn()
    assert.lengthOf(socket.writes, 2)
    assert.lengthOf(socket.sent, 4 * 40_000 + 4 * "*2\r\n$1\r\nA\r\n$40000\r\n\r\n".length)
  })

  it("is nothing on a socket that takes nothing any more", async () => {
    const { socket, write } = start()
    write("A")
    socket.destroy()
    await endOfTurn()
    assert.deepStrictEqual(socket.writes, [])
  })
})

const asProtocol = (name: string, commands: ReadonlyArray<ReadonlyArray<string | Buffer>>): Buffer =>
  Buffer.concat(
    commands.flatMap((args) => [
      Buffer.from(`*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`),
      ...args.flatMap((arg) => [Buffer.from(`$${Buffer.byteLength(arg)}\r\n`), Buffer.from(arg), Buffer.from("\r\n")])
    ])
  )

describe("arguments", () => {
  const bytes = Buffer.from([0, 255, 13, 10, 128])

  it("are written in order, whatever they are", async () => {
    const long = "ü".repeat(20_000)
    const longBytes = Buffer.alloc(30_000, 7)
    const mixed: ReadonlyArray<ReadonlyArray<string | Buffer>> = [
      ["", bytes, "text", Buffer.alloc(0)],
      [long, "a", longBytes, "b", bytes],
      Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? bytes : i % 7 === 0 ? long : String(i))),
      Array.from({ length: 40 }, String)
    ]
    const { socket, write } = start()
    for (const args of mixed) write("MIXED", ...args)
    await endOfTurn()
    assert.isTrue(socket.sent.equals(asProtocol("MIXED", mixed)))
  })

  it("are UTF-8, whatever else the turn writes: text of every length and script", async () => {
    const letters = ["a", "\u007f", "ü", "€", "\u{1f600}"]
    const lengths = [1, 7, 200, 202, 5000, 16_382, 16_384, 40_000]
    const texts = letters.flatMap((letter) => lengths.map((length) => letter.repeat(length / letter.length)))
    const ending = letters.flatMap((letter) => lengths.map((length) => "a".repeat(length) + letter))
    const { socket, write } = start()
    for (const text of [...texts, ...ending]) {
      write("ALONE", text)
      await endOfTurn()
    }
    const alone = asProtocol(
      "ALONE",
      [...texts, ...ending].map((text) => [text])
    )
    assert.isTrue(socket.sent.equals(alone))
    write("MIXED", ...texts)
    write("MIXED", "a", "b")
    await endOfTurn()
    assert.isTrue(socket.sent.equals(Buffer.concat([alone, asProtocol("MIXED", [texts, ["a", "b"]])])))
  })

  it("of several kilobytes are not copied, small ones are put together", async () => {
    const large = Buffer.alloc(20_000)
    const { socket, write } = start()
    write("A", bytes, "x", bytes)
    write("B", large)
    write("C", bytes)
    await endOfTurn()
    assert.lengthOf(socket.writes, 1)
    const parts = socket.writes[0]!
    assert.lengthOf(parts, 3)
    assert.include(socket.given, large)
  })
})
