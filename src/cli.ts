#!/usr/bin/env node
/** The program `effect-vcache`. It needs the package @effect/platform-node, which only those install who use it. */
try {
  const { run } = await import("./layers/cli/main.ts")
  run()
} catch (error) {
  if (!(error instanceof Error && error.message.includes("@effect/platform-node"))) throw error
  process.stderr.write(
    "effect-vcache: the command line needs the package @effect/platform-node: npm install @effect/platform-node\n"
  )
  process.exitCode = 2
}
