/** Commands about the server itself, and channels. */
import { textOf } from "../kernel/arguments.ts"
import { type CommandTable, exactly } from "../kernel/command.ts"

export const serverCommands: CommandTable = {
  PING: { least: 0, most: 1, run: (_, [message]) => message ?? "PONG" },
  ECHO: exactly(1, (_, [message]) => message ?? ""),
  TIME: exactly(0, ({ now }) => [String(Math.floor(now / 1000)), String((now % 1000) * 1000)]),
  PUBLISH: exactly(2, ({ pubSub }, [channel, message]) => pubSub.publish(textOf(channel ?? ""), textOf(message ?? ""))),
  SPUBLISH: exactly(2, ({ pubSub }, [channel, message]) =>
    pubSub.publishSharded(textOf(channel ?? ""), textOf(message ?? ""))
  )
}
