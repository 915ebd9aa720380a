import { fileURLToPath } from "node:url"
import { defineConfig, mergeConfig } from "vitest/config"
import { base } from "../../vitest.config.ts"

/** The test files that the documentation shows. */
export default mergeConfig(
  base,
  defineConfig({
    root: fileURLToPath(new URL("../..", import.meta.url)),
    test: { include: ["test/docs/.generated/*.vitest.ts"] }
  })
)
