/** A scan of a structure in steps. */
import type { Option } from "effect"

/** The options of `scanPage` of a structure. */
export interface StructurePageOptions {
  /** The cursor of the page before. Default: the scan begins. */
  readonly cursor?: string | undefined
  /** How many parts the server looks at, a hint. Default: 1 000. */
  readonly count?: number | undefined
}

/** Some parts of a structure. */
export interface StructurePage<B> {
  /** In no order; a page may be empty though others follow. */
  readonly items: ReadonlyArray<B>
  /** Of the next page; none = there is no more. */
  readonly cursor: Option.Option<string>
}
