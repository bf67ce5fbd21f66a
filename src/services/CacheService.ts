/** The cache: what a program asks for. */
import { Context } from "effect"
import type { TypedCache } from "./operations/TypedCache.ts"

export class CacheService extends Context.Service<CacheService, TypedCache<unknown>>()("effect-vcache/CacheService") {}
