/** What kinds of reply a command can have, as far as the table of commands says. */

/** Kinds, added up. */
export type ReplyShape = number

/** A status, or a string of text or bytes. */
export const text = 1
export const integer = 2
export const list = 4
/** A null. */
export const nothing = 8

export const anyShape: ReplyShape = text | integer | list | nothing
