/** Examples that start a server of their own find the one that the tests use: preloaded by `npm run example` and `npm run demo`. */
import { environmentFor, knownValkey } from "../test/support/valkeyBinary.ts"

const known = knownValkey()
if (known !== undefined) Object.assign(process.env, environmentFor(known))
