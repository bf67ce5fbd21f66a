/** `effect-vcache/sessions`: sessions in a cache, for any server. `effect-vcache/http` has them for `HttpRouter`. */
export { SessionStatus } from "./schema/SessionStatus.ts"
export type { CacheSession, CacheSessions, SessionLifetime } from "./services/operations/CacheSession.ts"
export * as SessionStore from "./services/SessionStore.ts"
export { type Session, SessionMissing, type SessionStoreShape, SessionUnknown } from "./services/SessionStore.ts"
