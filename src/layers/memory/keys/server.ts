/** Commands about the server itself, and channels. */
import { keyword, textOf } from "../kernel/arguments.ts"
import { unknownSubcommand, wrongArguments } from "../store/ServerReply.ts"
import { type CommandTable, exactly } from "../kernel/command.ts"

export const serverCommands: CommandTable = {
  PING: { least: 0, most: 1, run: (_, [message]) => message ?? "PONG" },
  ECHO: exactly(1, (_, [message]) => message ?? ""),
  TIME: exactly(0, ({ now }) => [String(Math.floor(now / 1000)), String((now % 1000) * 1000)]),
  PUBLISH: exactly(2, ({ pubSub }, [channel, message]) => pubSub.publish(textOf(channel ?? ""), textOf(message ?? ""))),
  PUBSUB: {
    least: 1,
    most: Infinity,
    run: ({ pubSub }, [wordArg, ...names]) => {
      const word = keyword(wordArg ?? "")
      const kind = word.startsWith("SHARD") ? "sharded" : "channel"
      if (word === "NUMPAT") {
        if (names.length > 0) throw wrongArguments("pubsub|numpat")
        return pubSub.patterns
      }
      if ((word === "CHANNELS" || word === "SHARDCHANNELS") && names.length <= 1) {
        return pubSub.channels(kind, textOf(names[0] ?? "*"))
      }
      if (word === "NUMSUB" || word === "SHARDNUMSUB") {
        return names.map(textOf).flatMap((name) => [name, pubSub.listeners(kind, name)])
      }
      throw unknownSubcommand(textOf(wordArg ?? ""), "PUBSUB")
    }
  },
  SPUBLISH: exactly(2, ({ pubSub }, [channel, message]) =>
    pubSub.publishSharded(textOf(channel ?? ""), textOf(message ?? ""))
  )
}
