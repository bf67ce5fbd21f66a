/** What is said on a new connection before any command: who we are, which database, whether the server is ready. */
import { Redacted } from "effect"
import type { Redis } from "iovalkey"
import type { WireArg } from "../../schema/Command.ts"
import type { ConnectionSettings } from "../../schema/ConnectionOptions.ts"
import { isReplyError } from "./errors.ts"
import { CallbackCommand, readText, type WireCommand } from "./PendingCommand.ts"
import { TurnWriter } from "./TurnWriter.ts"

interface Step {
  readonly name: string
  readonly args: ReadonlyArray<WireArg>
  /** Errors of the server that do not matter here. */
  readonly ignore?: RegExp
}

/** Calls back once, with nothing or with what went wrong. All steps go out in one write. */
export const handshake = (client: Redis, settings: ConnectionSettings, done: (error?: Error) => void): void => {
  const wire: { sendCommand(command: WireCommand, writer: TurnWriter): unknown } = client
  const writer = new TurnWriter(client)
  let open = 0
  let failure: Error | undefined
  for (const { name, args, ignore } of steps(settings)) {
    open++
    const command = new CallbackCommand(
      name,
      args,
      readText,
      () => finish(),
      () => {}
    )
    const finish = (error?: Error) => {
      const harmless = error !== undefined && isReplyError(error) && ignore?.test(error.message) === true
      // The first error is the cause, those after it its consequences.
      if (!harmless) failure ??= error
      if (--open === 0) done(failure)
    }
    command.reject = finish
    wire.sendCommand(command, writer)
  }
}

const steps = ({ clientName, database, password, username }: ConnectionSettings): ReadonlyArray<Step> => [
  ...(password === undefined
    ? []
    : [
        {
          name: "AUTH",
          args: [...(username === undefined ? [] : [username]), Redacted.value(password)],
          ignore: /without any password configured/
        }
      ]),
  ...(database === 0 ? [] : [{ name: "SELECT", args: [String(database)] }]),
  ...(clientName === undefined ? [] : [{ name: "CLIENT", args: ["SETNAME", clientName], ignore: /^NOPERM/ }]),
  { name: "PING", args: [], ignore: /^(?:NOPERM|MASTERDOWN|BUSY)/ }
]
