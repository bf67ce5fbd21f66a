/** The cache: what a program asks for. */
import { Context } from "effect"
import type { TypedCache } from "./operations/TypedCache.ts"

/**
 * The cache of a program, as a service. Values are of type `unknown` until `withSchema` says more.
 *
 * @since 0.2.0
 * @category cache
 * @see docs/options.md
 */
export class CacheService extends Context.Service<CacheService, TypedCache<unknown>>()("effect-vcache/CacheService") {}
