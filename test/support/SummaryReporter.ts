/** Closes the run with one plain line that every CI can read. */
import type { Reporter, TestModule } from "vitest/node"

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    let passed = 0
    let skipped = 0
    // A file that does not load, or an error outside every test, is a failure too.
    let failed = errors.length
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === "passed") passed++
        else if (state === "skipped") skipped++
        else failed++
      }
    }
    console.log(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`)
  }
}
