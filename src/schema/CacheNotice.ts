/** What happens in a cache beside its operations. */

/**
 * What a policy is told of beside operations.
 *
 * - `Changed`: servers have announced that keys changed, whoever changed them; `keys` gives the user keys, undefined for all
 * - `NearOn`, `NearOff`: the near cache serves from now on, or leaves all reads to the server
 * - `CircuitOpened`, `CircuitClosed`: a `Breaker` refuses operations from now on, or lets them through again
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export type CacheNotice =
  | { readonly _tag: "Changed"; readonly keys: () => ReadonlyArray<string> | undefined }
  | { readonly _tag: "NearOn" }
  | { readonly _tag: "NearOff"; readonly reason: string }
  | { readonly _tag: "CircuitOpened" | "CircuitClosed" }

/**
 * Tells somebody of a notice. It is called synchronously, and must not throw.
 *
 * @since 0.2.0
 * @category policies
 * @see docs/outages.md
 */
export type Notify = (notice: CacheNotice) => void
