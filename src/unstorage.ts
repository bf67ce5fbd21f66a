/** `effect-vcache/unstorage`: a driver for unstorage, and with it for Nitro and Nuxt. */
export {
  unstorageDriver,
  unstorageDriver as default,
  type UnstorageDriverOptions
} from "./layers/adapters/unstorageDriver.ts"
