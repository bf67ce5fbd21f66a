/** Why a command ends with another exit code than 0. */
import { Data, Runtime } from "effect"

/**
 * - 1: the answer is no: a key that is not there, a server with a problem
 * - 2: the command was called wrongly
 * - 3: the server could not be asked
 */
export type ExitCode = 1 | 2 | 3

/** `message` goes to the standard error stream; an empty one is not shown. */
export class CliFailure extends Data.TaggedError("CliFailure")<{ readonly code: ExitCode; readonly message: string }> {
  override readonly [Runtime.errorExitCode] = this.code
}
