/** Why bytes or a value are not of a format. */

/** A reason in our own words, which an error may show. */
export class FormatError extends Error {
  override readonly name = "FormatError"
}
