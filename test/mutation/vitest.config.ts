import { defineConfig, mergeConfig } from "vitest/config"
import base from "../../vitest.config.ts"

/**
 * The tests that mutants are tried on, thousands of times: not those of processes, of endurance and of great numbers;
 * and with thinner sweeps.
 */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      exclude: ["node_modules", "test/{docs,examples,model,types}/**", "test/{gates,interruption,package}.test.ts"],
      testNamePattern: /^(?!.*(000|stack|many|hour))/,
      env: { SWEEP: "thin" },
      // the modules are loaded once for all files: what is mutated is told apart when it runs
      isolate: false,
      // time is that of the test clock: what takes longer hangs
      testTimeout: 2000
    }
  })
)
