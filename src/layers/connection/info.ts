/** INFO as maps. */
import { Effect, Exit } from "effect"
import type { CommandError } from "../../schema/CacheError.ts"
import { protocolError } from "../../schema/failures.ts"
import { infoFields } from "../../schema/infoText.ts"
import type { ValkeyClientShape } from "../../services/ValkeyClient.ts"

export const makeInfo =
  (node: () => string | undefined, send: ValkeyClientShape["send"]): ValkeyClientShape["info"] =>
  (section) =>
    Effect.flatMap(send("INFO", section === undefined ? [] : [section]), (reply) =>
      typeof reply === "string"
        ? Exit.succeed(new Map([[node() ?? "", infoFields(reply)]]))
        : Exit.fail<CommandError>(protocolError("INFO", node()))
    )
