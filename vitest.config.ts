import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { ServersFirst } from "./test/support/ServersFirst.ts"
import { SummaryReporter } from "./test/support/SummaryReporter.ts"

export default defineConfig({
  resolve: { conditions: ["effect-vcache-source"] },
  ssr: { resolve: { conditions: ["effect-vcache-source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    // Most of the time a test waits for servers, so that two cores have work for four.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: ServersFirst },
    // Bounds for tests that hang; where time is the subject a test measures it itself.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", new SummaryReporter()]
  }
})
