/**
 * Which values may be stored in SchemaBinary. Its bytes can only be understood with the schema, so that what they would
 * become is bounded by what is known without reading them.
 */
import { FormatError } from "./FormatError.ts"
import type { SchemaFacts } from "./schemaFacts.ts"
import { hasRun, type ValueLimits } from "./ValueLimits.ts"

/**
 * Untyped parts are JSON in SchemaBinary, which it alters without a word; items without bytes cannot be counted by bytes;
 * and its reader stops at 512 levels, not before.
 */
export const fitsBinary = ({ emptyItems, recursive, untyped }: SchemaFacts, { maxDepth }: ValueLimits): boolean =>
  !untyped && !emptyItems && !(recursive && maxDepth < maxReaderDepth)

/**
 * Whether SchemaBinary's reader can be given the bytes. Every value in them takes one at least. A number goes on while
 * bytes have their high bit set, and takes a time that grows with the square of its length: a longer run of such bytes
 * is a number above the limit, or a text whose reader cannot tell it from one.
 */
export const isBoundedBinary = (bytes: Uint8Array, { maxDigits, maxNodes }: ValueLimits): boolean =>
  bytes.length <= maxNodes &&
  !hasRun(bytes.length, Math.ceil(maxDigits * bytesOfDigit), (at) => (bytes[at] ?? 0) > 0x7f)

/** Why the bytes are not given to SchemaBinary's reader; undefined when they are. */
export const binaryRefusal = (facts: SchemaFacts, bytes: Uint8Array, limits: ValueLimits): FormatError | undefined => {
  if (!fitsBinary(facts, limits)) return new FormatError("what binary would become cannot be bounded for this schema")
  return isBoundedBinary(bytes, limits) ? undefined : new FormatError("in binary the value may be above its limits")
}

/** A byte of a number holds seven bits. */
const bytesOfDigit = Math.log2(10) / 7

const maxReaderDepth = 512

/** A list or a record is up to two of the levels that SchemaBinary's reader counts. */
export const maxBinaryDepth = 250

/** In fewer bytes no value can be too deep: each level takes one. */
export const shallowBytes = 512
