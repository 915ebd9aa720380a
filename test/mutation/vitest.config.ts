import { defineConfig, mergeConfig } from "vitest/config"
import { base, every } from "../../vitest.config.ts"

/** An option that the type of a file of options does not have. */
const tags = { tagsFilter: ["!large", "!alone"] }

/**
 * The tests that mutants are tried on, thousands of times: not those of processes, of servers and of endurance, nor those
 * with a tag; with thinner sweeps, and a small part of the model.
 */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: every,
      exclude: [
        "node_modules",
        "test/{docs,examples,fuzz,inspector,integration,types}/**",
        "test/cluster/{abuse,chaos,contract,failures,processes,storage}.test.ts",
        "test/{dropped,gates,interruption,package,promise/{fakedTimers,process},scale*,soak}.test.ts"
      ],
      ...tags,
      env: { SWEEP: "thin", MODEL_RUNS: "60", MODEL_SHRINK: "no" },
      // the modules are loaded once for all files: what is mutated is told apart when it runs
      isolate: false,
      // time is that of the test clock: what takes longer hangs
      testTimeout: 10_000
    }
  })
)
