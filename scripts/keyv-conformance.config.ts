/** Runs one file, which is no part of `npm test`. */
import { mergeConfig } from "vitest/config"
import tests from "../vitest.config.ts"

export default mergeConfig(
  { ...tests, test: { ...tests.test, include: [] } },
  { test: { include: ["scripts/keyv-conformance.ts"] } }
)
