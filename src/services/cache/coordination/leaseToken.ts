/**
 * The token of an acquisition: random characters, and behind a space the label that its holder gives. The label stands in the token, so that it comes
 * and goes with it, and costs no command.
 */

/** Text that fits into one line. Code points are counted. */
const labelForm = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,64}$/u

export const isLabel = (label: unknown): label is string => typeof label === "string" && labelForm.test(label)

export const leaseToken = (random: string, label: string | undefined): string =>
  label === undefined ? random : `${random} ${label}`

/** The label within a token. Undefined where it has none, or where another program made the token. */
export const labelOf = (token: string): string | undefined => {
  const space = token.indexOf(" ")
  const label = token.slice(space + 1)
  return space > 0 && isLabel(label) ? label : undefined
}
