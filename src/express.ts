/** `effect-vcache/express`: cached responses for Express. */
export { type ExpressCache, expressCache, expressCache as default } from "./layers/node/expressCache.ts"
