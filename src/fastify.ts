/** `effect-vcache/fastify`: cached responses for Fastify. */
export { type FastifyCache, fastifyCache, fastifyCache as default } from "./layers/node/fastifyCache.ts"
