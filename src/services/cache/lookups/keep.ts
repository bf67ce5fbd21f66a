/** Storing what was looked up, unless the key holds something newer by now. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../../schema/CacheError.ts"
import type { Command } from "../../../schema/Command.ts"
import type { Stored } from "../../../schema/frame.ts"
import type { ValkeyClientShape } from "../../ValkeyClient.ts"
import { overSeen, overwrite, perform, type Seen } from "../kernel/overSeen.ts"
import { setArguments } from "../kernel/setCommand.ts"

/** What becomes of a looked-up value under its key. */
export interface Keep {
  /** Stores it; false where it is not to be stored. Milliseconds; 0 = the key is to be absent. */
  readonly store: (encoded: Stored, lifetime: number) => Effect.Effect<boolean, CommandError>
  /** It is not to be stored: what the key held before is there again. Gives false. */
  readonly nothing: Effect.Effect<boolean>
}

const nothing = Exit.succeed(false)

export const keepNothing: Keep = { store: () => nothing, nothing }

/** The command that stores over what was read, which may be nothing; undefined where there is nothing to do. */
export const keepCommand = (
  final: string,
  seen: Seen | undefined,
  encoded: Stored,
  lifetime: number
): Command | undefined => {
  if (seen !== undefined) return overSeen(final, seen, encoded, lifetime)
  if (lifetime === 0) return undefined
  return { name: "SET", args: setArguments(final, encoded, lifetime, { when: "absent" }) }
}

/** What the server refuses for the moment is sent again only while nothing has changed here. */
const keepBy = (
  client: ValkeyClientShape,
  resendIf: () => boolean,
  commandOf: (encoded: Stored, lifetime: number) => Command | undefined
): Keep => ({
  store: (encoded, lifetime) => {
    const command = resendIf() ? commandOf(encoded, lifetime) : undefined
    if (command === undefined) return nothing
    return Effect.catch(perform(client, { ...command, resendIf }), (error) => (resendIf() ? Exit.fail(error) : nothing))
  },
  nothing
})

/** Over what was read, and over nothing else. */
export const keepOver = (
  client: ValkeyClientShape,
  final: string,
  seen: Seen | undefined,
  resendIf: () => boolean
): Keep => keepBy(client, resendIf, (encoded, lifetime) => keepCommand(final, seen, encoded, lifetime))

/** Whatever the key holds. */
export const keepAnyway = (client: ValkeyClientShape, final: string, resendIf: () => boolean): Keep =>
  keepBy(client, resendIf, (encoded, lifetime) => overwrite(final, encoded, lifetime))
