import { defineConfig, mergeConfig } from "vitest/config"
import base from "../../vitest.config.ts"

/**
 * The tests that mutants are tried on, thousands of times: not those of processes, of endurance and of great numbers;
 * with thinner sweeps, and a small part of the model.
 */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      exclude: [
        "node_modules",
        "test/{docs,examples,integration,types}/**",
        "test/{gates,interruption,package,promise/process,soak}.test.ts"
      ],
      testNamePattern: /^(?!.*(000|stack|many|hour))/,
      env: { SWEEP: "thin", MODEL_RUNS: "60", MODEL_SHRINK: "no" },
      // the modules are loaded once for all files: what is mutated is told apart when it runs
      isolate: false,
      // time is that of the test clock: what takes longer hangs
      testTimeout: 3000
    }
  })
)
