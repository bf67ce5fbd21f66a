/** `effect-vcache/sql`: query results that are cached until one of their tables is written, for Effect's `SqlClient`. */
export { SqlCache, type SqlCacheOptions, type SqlCacheShape, type SqlQueryOptions } from "./layers/sql/SqlCache.ts"
export { SqlInvalidationError } from "./layers/sql/SqlInvalidationError.ts"
