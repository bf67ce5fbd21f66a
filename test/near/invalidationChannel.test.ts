/** One server's channel against a server that says what a test wants. */
import { Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { type Invalidation, type StandaloneOptions, type ValkeyClientShape, ValkeyStandalone } from "effect-vcache"
import type { Tracking } from "../../src/schema/Invalidation.ts"
import { pong, startRaw } from "../support/FakeServer.ts"
import { pause } from "../support/pause.ts"
import { until } from "../support/until.ts"

type Answer = (command: ReadonlyArray<string>, socket: Socket, isChannel: boolean) => string | undefined
type Answers = Readonly<Record<string, Answer>>

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
const list = (...items: ReadonlyArray<string>) => `*${items.length}\r\n${items.map(bulk).join("")}`
const message = (payload: string) => `*3\r\n${bulk("message")}${bulk("__redis__:invalidate")}${payload}`

/** What a server says to each command of a set-up, and to whatever a test answers otherwise. */
const usual: Answers = {
  INFO: () => bulk("# Server\r\nrun_id:abc\r\n"),
  "CLIENT ID": () => ":7\r\n",
  "CLIENT TRACKING": () => "+OK\r\n",
  SUBSCRIBE: ([, channel = ""]) => `*3\r\n$9\r\nsubscribe\r\n${bulk(channel)}:1\r\n`,
  "CLIENT CACHING": () => "+OK\r\n",
  "CLIENT TRACKINGINFO": () =>
    `*6\r\n${bulk("flags")}${list("on", "optin")}${bulk("redirect")}:7\r\n${bulk("prefixes")}*0\r\n`,
  PING: (command) => pong(command),
  EXISTS: () => ":0\r\n",
  GET: () => "$-1\r\n",
  PTTL: () => ":-2\r\n"
}

/** What a channel says beside its own set-up. */
interface Listening {
  readonly client: ValkeyClientShape
  readonly events: Array<Invalidation>
  /** The server's side of the channel, the latest last. */
  readonly channels: ReadonlyArray<Socket>
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
  readonly waitFor: (what: string, isIt: (event: Invalidation) => boolean) => Effect.Effect<unknown>
}

/** A client that listens to `p:` and `q:`, and has read, so that both connections are there. */
const listening = (
  answers: Answers = {},
  settings: Partial<StandaloneOptions> = {},
  tracking: Tracking = "broadcast"
) =>
  Effect.gen(function* () {
    const channels: Array<Socket> = []
    const { commands, url } = yield* startRaw((command, socket) => {
      const [name = "", sub = ""] = command
      if (name === "SUBSCRIBE" && channels.at(-1) !== socket) channels.push(socket)
      const answer = answers[`${name} ${sub}`] ?? answers[name] ?? usual[`${name} ${sub}`] ?? usual[name]
      return answer === undefined ? "+OK\r\n" : answer(command, socket, channels.includes(socket))
    })
    const client = yield* ValkeyStandalone.make({ url, ...settings })
    const events: Array<Invalidation> = []
    yield* client.invalidations({ prefixes: ["p:", "q:"], heartbeat: 10, tracking }, (event) => void events.push(event))
    yield* client.tracked(["p:a"], { tracking })
    const waitFor: Listening["waitFor"] = (what, isIt) =>
      until(
        what,
        Effect.sync(() => events),
        (all) => all.some(isIt)
      )
    const listening: Listening = { client, events, channels, commands, waitFor }
    return listening
  })

const is =
  (...tags: ReadonlyArray<Invalidation["_tag"]>) =>
  ({ _tag }: Invalidation) =>
    tags.includes(_tag)

const downs = (events: ReadonlyArray<Invalidation>) =>
  events.flatMap((event) => (event._tag === "Down" ? [[event.cause, event.reason]] : []))

describe("an invalidation channel", () => {
  it.effect("asks who it is, tracks and subscribes; then it is live, and proven", () =>
    Effect.gen(function* () {
      const { commands, events, waitFor } = yield* listening()
      yield* waitFor("a proof", is("Proof"))
      assert.deepStrictEqual(
        events.slice(0, 2).map(({ _tag }) => _tag),
        ["Live", "Proof"]
      )
      const names = commands.map((command) => command.join(" "))
      const tracking = names.indexOf("CLIENT TRACKING ON REDIRECT 7 BCAST PREFIX p: PREFIX q:")
      assert.isAbove(tracking, names.indexOf("CLIENT ID"))
      assert.strictEqual(names[tracking + 1], "SUBSCRIBE __redis__:invalidate")
    })
  )

  it.effect("tells of keys and of a flush, and of nothing that somebody publishes there", () =>
    Effect.gen(function* () {
      const { channels, events, waitFor } = yield* listening()
      yield* waitFor("a proof", is("Proof"))
      channels[0]!.write(Buffer.from(message(list("p:a,b", "x", "q:ü")) + message(bulk("p:text")) + message("*-1\r\n")))
      yield* waitFor("a flush", is("Everything"))
      const server = events.flatMap((event) => (event._tag === "Live" ? [event.server] : []))[0]
      assert.deepStrictEqual(events.filter(is("Keys", "Everything")), [
        { _tag: "Keys", keys: ["p:a,b", "q:ü"], own: false },
        { _tag: "Everything", server, reason: "FLUSHDB or FLUSHALL" }
      ])
    })
  )

  it.effect("has one PING under way, and its proof is of the instant of the sending", () =>
    Effect.gen(function* () {
      const pings: Array<Socket> = []
      const { client, events, waitFor } = yield* listening({
        PING: (command, socket, isChannel) => {
          if (!isChannel) return pong(command)
          pings.push(socket)
          return undefined
        }
      })
      yield* until(
        "a PING",
        Effect.sync(() => pings.length),
        (count) => count > 0
      )
      const caller = yield* Effect.withFiber(Effect.succeed)
      const afterSending = client.instant(caller)
      yield* pause(50)
      assert.deepStrictEqual([pings.length, events.some(is("Proof"))], [1, false])
      pings[0]!.write("*2\r\n$4\r\npong\r\n$0\r\n\r\n")
      yield* waitFor("a proof", (event) => event._tag === "Proof" && event.sentAt <= afterSending)
    })
  )

  it.effect("an error in place of PONG is no proof, and no loss", () =>
    Effect.gen(function* () {
      let isBusy = true
      const { events, waitFor } = yield* listening({
        PING: (command, _, isChannel) => (isChannel && isBusy ? "-BUSY a script runs\r\n" : pong(command))
      })
      yield* waitFor("the set-up", is("Live"))
      yield* pause(50)
      assert.isFalse(events.some(is("Proof", "Down")))
      isBusy = false
      yield* waitFor("a proof", is("Proof"))
    })
  )

  it.effect("a server that refuses is asked no more for the moment, and nothing else fails", () =>
    Effect.gen(function* () {
      for (const [command, answer, reason] of [
        ["CLIENT TRACKING", "-NOPERM no right\r\n", "CLIENT TRACKING is refused: NOPERM"],
        ["CLIENT ID", "-ERR unknown command 'CLIENT'\r\n", "CLIENT ID is refused: ERR"],
        ["SUBSCRIBE", "-NOPERM no channel\r\n", "SUBSCRIBE __redis__:invalidate is refused: NOPERM"],
        ["INFO", "-NOPERM no right\r\n", "INFO server is refused: NOPERM"]
      ] as const) {
        const { client, events, waitFor } = yield* listening({ [command]: () => answer })
        yield* waitFor("the refusal", is("Down"))
        assert.deepStrictEqual(downs(events), [["refused", reason]])
        assert.strictEqual((yield* client.tracked(["p:a"])).length, 1)
      }
    })
  )

  it.effect("a lost connection is told once, and made again", () =>
    Effect.gen(function* () {
      const { channels, events, waitFor } = yield* listening()
      yield* waitFor("a proof", is("Proof"))
      events.length = 0
      channels[0]!.destroy()
      yield* waitFor("another proof", is("Proof"))
      assert.deepStrictEqual(
        events.slice(0, 3).map(({ _tag }) => _tag),
        ["Down", "Live", "Proof"]
      )
      assert.strictEqual(downs(events)[0]?.[0], "lost")
    })
  )

  it.effect("a server that answers nothing is left", () =>
    Effect.gen(function* () {
      const { events, waitFor } = yield* listening(
        { PING: (command, _, isChannel) => (isChannel ? undefined : pong(command)) },
        { socketTimeout: 600, commandTimeout: 500, connectTimeout: 5000 }
      )
      yield* waitFor("the end", is("Down"))
      assert.deepStrictEqual(downs(events)[0], ["lost", "ETIMEDOUT"])
    })
  )

  it.effect("announcements of another server than the one that answers reads are worth nothing", () =>
    Effect.gen(function* () {
      let runs = 0
      const { events, waitFor } = yield* listening({ INFO: () => bulk(`run_id:${++runs}\r\n`) })
      yield* waitFor("the end", is("Down"))
      assert.deepStrictEqual(downs(events)[0], ["lost", "announcements come from another server than values"])
      assert.isFalse(events.some(is("Proof")))
    })
  )

  it.effect("a connection for reads that is made again is asked again which server it leads to", () =>
    Effect.gen(function* () {
      const infos: Array<Socket> = []
      const data: Array<Socket> = []
      const { client, waitFor } = yield* listening({
        INFO: (command, socket) => {
          infos.push(socket)
          return usual["INFO"]!(command, socket, false)
        },
        GET: (command, socket) => {
          data.push(socket)
          return usual["GET"]!(command, socket, false)
        }
      })
      yield* waitFor("a proof", is("Proof"))
      assert.strictEqual(infos.length, 2)
      data[0]!.destroy()
      yield* until("another connection", Effect.exit(client.tracked(["p:a"])), ({ _tag }) => _tag === "Success")
      yield* until(
        "the question",
        Effect.sync(() => infos.length),
        (count) => count === 3
      )
    })
  )

  it.effect(
    "a server that does not answer for its keys any more loses all that is near of it, and proves nothing",
    () =>
      Effect.gen(function* () {
        let isCut = true
        const { events, waitFor } = yield* listening({
          EXISTS: () => (isCut ? "-CLUSTERDOWN the cluster is down\r\n" : ":0\r\n")
        })
        yield* waitFor("its word", (event) => event._tag === "Everything" && event.reason === "CLUSTERDOWN")
        assert.isFalse(events.some(is("Proof", "Down")))
        isCut = false
        yield* waitFor("a proof", is("Proof"))
      })
  )

  it.effect("one that was opened for more prefixes goes on where an older one stands only after it", () =>
    Effect.gen(function* () {
      const subscribers: Array<Socket> = []
      const { client } = yield* listening({
        SUBSCRIBE: (_, socket) => {
          subscribers.push(socket)
          return undefined
        }
      })
      const events: Array<Invalidation> = []
      yield* client.invalidations({ prefixes: ["r:"], heartbeat: 10 }, (event) => void events.push(event))
      yield* until(
        "both",
        Effect.sync(() => subscribers.length),
        (count) => count === 2
      )
      for (const socket of subscribers) {
        socket.write(usual["SUBSCRIBE"]!(["SUBSCRIBE", "__redis__:invalidate"], socket, true)!)
        yield* pause(30)
      }
      yield* until(
        "a proof",
        Effect.sync(() => events),
        (all) => all.some(is("Proof"))
      )
    })
  )

  it.effect("closes with its client, whoever listens still", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { url } = yield* startRaw((command) => {
        const [name = "", sub = ""] = command
        return (usual[`${name} ${sub}`] ?? usual[name])?.(command, new Socket(), false) ?? "+OK\r\n"
      })
      const client = yield* Scope.provide(ValkeyStandalone.make({ url }), scope)
      const events: Array<Invalidation> = []
      yield* client.invalidations({ prefixes: ["p:"], heartbeat: 10 }, (event) => void events.push(event))
      yield* until(
        "a proof",
        Effect.sync(() => events),
        (all) => all.some(is("Proof"))
      )
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(downs(events), [["closed", "the client is closed"]])
      const { length } = events
      yield* pause(50)
      assert.strictEqual(events.length, length)
    })
  )

  it.effect("closes with its last listener", () =>
    Effect.gen(function* () {
      const { channels } = yield* Effect.scoped(
        Effect.gen(function* () {
          const opened = yield* listening()
          yield* Effect.scoped(opened.client.invalidations({ prefixes: ["p:b"] }, () => {}))
          yield* opened.waitFor("a proof", is("Proof"))
          assert.strictEqual(opened.channels.length, 1)
          return opened
        })
      )
      yield* until(
        "the end",
        Effect.sync(() => channels[0]!.destroyed),
        (destroyed) => destroyed
      )
    })
  )
})

describe("an invalidation channel key by key", () => {
  it.effect("has the connection that reads take tracked before it is live", () =>
    Effect.gen(function* () {
      const { client, commands, events, waitFor } = yield* listening({}, {}, "perKey")
      yield* waitFor("a proof", is("Proof"))
      assert.deepStrictEqual(
        events.slice(0, 2).map(({ _tag }) => _tag),
        ["Live", "Proof"]
      )
      const names = () => commands.map((command) => command.join(" "))
      assert.isAbove(
        names().indexOf("CLIENT TRACKING ON REDIRECT 7 OPTIN"),
        names().indexOf("SUBSCRIBE __redis__:invalidate")
      )
      const [reply] = yield* client.tracked(["p:a"], { tracking: "perKey" })
      assert.isString(reply?.server)
      const caching = names().lastIndexOf("CLIENT CACHING YES")
      assert.deepStrictEqual(names().slice(caching + 1, caching + 3), ["GET p:a", "PTTL p:a"])
    })
  )

  it.effect("what is read over a connection that is not tracked has no server, and is read all the same", () =>
    Effect.gen(function* () {
      const { client, waitFor } = yield* listening({ "CLIENT CACHING": () => "-ERR not tracked\r\n" }, {}, "perKey")
      yield* waitFor("a proof", is("Proof"))
      const [reply] = yield* client.tracked(["p:a"], { tracking: "perKey" })
      assert.deepInclude(reply, { value: null, server: undefined })
    })
  )

  for (const tracking of ["broadcast", "perKey"] as const) {
    it.effect(
      `a read of which one reply is an error or too large fails as a whole, and the next one has its own (${tracking})`,
      () =>
        Effect.gen(function* () {
          const { client } = yield* listening(
            {
              GET: ([, key]) =>
                key === "large" ? bulk("x".repeat(1025)) : key === "list" ? "-WRONGTYPE a list\r\n" : bulk("v"),
              PTTL: ([, key]) => (key === "denied" ? "-NOPERM no\r\n" : ":50\r\n")
            },
            { replyLimits: { stringBytes: 1024 } },
            tracking
          )
          const keys = ["large", "v", "list", "denied", "w"]
          const exits = yield* Effect.forEach(keys, (key) => Effect.exit(client.tracked([key], { tracking })), {
            concurrency: "unbounded"
          })
          const codes = exits.map((exit) =>
            Exit.isSuccess(exit)
              ? [exit.value[0]?.value, exit.value[0]?.pttl]
              : /[A-Z_]{6,}/.exec(String(exit.cause))?.[0]
          )
          assert.deepStrictEqual(codes, ["REPLY_TOO_LARGE", ["v", 50], "WRONGTYPE", "NOPERM", ["v", 50]])
        })
    )
  }

  it.effect("a connection for reads that is made again is tracked again, and what was read before counts no more", () =>
    Effect.gen(function* () {
      const data: Array<Socket> = []
      const { client, events, waitFor } = yield* listening(
        {
          GET: (command, socket) => {
            data.push(socket)
            return usual["GET"]!(command, socket, false)
          }
        },
        {},
        "perKey"
      )
      yield* waitFor("a proof", is("Proof"))
      events.length = 0
      data[0]!.destroy()
      yield* until("another connection", Effect.exit(client.tracked(["p:a"])), ({ _tag }) => _tag === "Success")
      yield* waitFor("its tracking", is("Live"))
    })
  )

  it.effect(
    "tracking that somebody has ended, or whose subscriber is another one, proves nothing until it is begun anew",
    () =>
      Effect.gen(function* () {
        for (const [flags, redirect] of [
          [["off"], -1],
          [["on", "optin", "broken_redirect"], 7],
          [["on", "optin"], 8]
        ] as const) {
          let isBegun = true
          const { events, waitFor } = yield* listening(
            {
              "CLIENT TRACKING": () => {
                isBegun = true
                return "+OK\r\n"
              },
              "CLIENT TRACKINGINFO": (command, socket) =>
                isBegun
                  ? usual["CLIENT TRACKINGINFO"]!(command, socket, false)
                  : `*4\r\n${bulk("flags")}${list(...flags)}${bulk("redirect")}:${redirect}\r\n`
            },
            {},
            "perKey"
          )
          yield* waitFor("a proof", is("Proof"))
          isBegun = false
          events.length = 0
          yield* waitFor("its tracking", is("Live"))
          assert.isTrue(isBegun)
        }
      })
  )

  it.effect("a server that refuses to track is asked no more for the moment, and nothing else fails", () =>
    Effect.gen(function* () {
      const { client, events, waitFor } = yield* listening(
        { "CLIENT TRACKING": () => "-NOPERM no right\r\n" },
        {},
        "perKey"
      )
      yield* waitFor("the refusal", is("Down"))
      assert.deepStrictEqual(downs(events), [["refused", "CLIENT TRACKING is refused: NOPERM"]])
      assert.strictEqual((yield* client.tracked(["p:a"], { tracking: "perKey" })).length, 1)
    })
  )
})
