/** `effect-vcache/codecs`: how values become bytes, for programs that read or write them without a cache. */
export { Cipher } from "./schema/Cipher.ts"
export { Compressor } from "./schema/Compressor.ts"
export { Serializer } from "./schema/Serializer.ts"
