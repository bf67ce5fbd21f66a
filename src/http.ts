/** `effect-vcache/http`: sessions and response caching for Effect's `HttpRouter`. */
export * as HttpCache from "./layers/http/HttpCache.ts"
export * as HttpSessions from "./layers/http/HttpSessions.ts"
export { type WebCache, webCache, type WebHandler } from "./layers/http/webCache.ts"
