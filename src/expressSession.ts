/** `effect-vcache/express-session`: a store for `express-session`. */
export {
  ExpressSessionStore,
  ExpressSessionStore as default,
  type ExpressSessionStoreOptions
} from "./layers/adapters/ExpressSessionStore.ts"
