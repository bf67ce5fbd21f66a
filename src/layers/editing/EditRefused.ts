/** The reason why an edit is not tried. */
import { Data } from "effect"

/** Nothing was written. The reason is a sentence for the visitor who asked for the edit. */
export class EditRefused extends Data.TaggedError("EditRefused")<{ readonly reason: string }> {
  override get message(): string {
    return this.reason
  }
}
