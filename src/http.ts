/** `effect-vcache/http`: sessions and response caching for Effect's `HttpRouter`. */
export * as HttpCache from "./layers/HttpCache.ts"
export * as HttpSessions from "./layers/HttpSessions.ts"
