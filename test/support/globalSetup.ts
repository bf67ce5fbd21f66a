/** Once for the whole run, so that test files do not download side by side. */
import { findValkey } from "./valkeyBinary.ts"

export default (): void => {
  const { libraries, server } = findValkey()
  process.env["VALKEY_SERVER"] = server
  if (libraries !== undefined) process.env["VALKEY_SERVER_LIBRARIES"] = libraries
}
