/** `effect-vcache/apollo`: a cache for Apollo Server. */
export {
  type ApolloCache,
  type ApolloCacheOptions,
  apolloCache,
  apolloCache as default
} from "./layers/adapters/apolloCache.ts"
