/** A scan of a structure in steps. */
import type { Option } from "effect"

/**
 * The options of `scanPage` of a structure.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StructurePageOptions {
  /** The cursor that came with the page before. Default: the scan begins. */
  readonly cursor?: string | undefined
  /** How many parts the server looks at, as a hint. Default: 1 000. */
  readonly count?: number | undefined
}

/**
 * Some parts of a structure.
 *
 * @since 0.2.0
 * @category structures
 * @see docs/structures.md
 */
export interface StructurePage<B> {
  /** The parts of this page, in no order. A page may be empty though others follow. */
  readonly items: ReadonlyArray<B>
  /** The cursor of the next page, or none after the last page. */
  readonly cursor: Option.Option<string>
}
