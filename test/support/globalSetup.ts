/** Once for the whole run, so that test files do not download side by side, nor compile what others have compiled. */
import { join } from "node:path"
import { findValkey } from "./valkeyBinary.ts"

export default (): void => {
  const { libraries, server } = findValkey()
  process.env["VALKEY_SERVER"] = server
  if (libraries !== undefined) process.env["VALKEY_SERVER_LIBRARIES"] = libraries
  // Node's own; a hundred processes load Effect.
  process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "../../.cache/compiled")
}
