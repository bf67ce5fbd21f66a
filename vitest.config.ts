import { defineConfig } from "vitest/config"
import { SummaryReporter } from "./test/support/SummaryReporter.ts"

export default defineConfig({
  resolve: { conditions: ["effect-vcache-source"] },
  ssr: { resolve: { conditions: ["effect-vcache-source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    // Bounds for tests that hang; where time is the subject a test measures it itself.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", new SummaryReporter()]
  }
})
