import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: {
    alias: {
      "effect-object-pool/inspector": fileURLToPath(new URL("./src/inspector.ts", import.meta.url)),
      "effect-object-pool/promise": fileURLToPath(new URL("./src/promise.ts", import.meta.url)),
      "effect-object-pool": fileURLToPath(new URL("./src/index.ts", import.meta.url))
    }
  },
  test: {
    include: ["test/**/*.test.ts"],
    // with a configuration of its own: see `npm run test:trips`
    exclude: ["test/trips/**", "**/node_modules/**"],
    // what mutants are not tried on
    tags: [
      { name: "large", description: "of great numbers, or of a long time" },
      { name: "alone", description: "in a process in which no other test file has run" }
    ],
    reporters: ["default"],
    // what a test logs is shown where it fails
    silent: "passed-only",
    // much of the time is that of other processes
    maxWorkers: "100%",
    sequence: { concurrent: false },
    // no promise: what hangs ends at last, also where the machine is busy with other things
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { include: ["src/**/*.ts"] }
  }
})
