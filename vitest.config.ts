import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig, mergeConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

// effect is compiled once for all processes of the tests, those that they start included
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("./node_modules/.cache/compile", import.meta.url))

/** What holds for every test, however it is run. */
export const base = defineConfig({
  resolve: {
    alias: {
      "effect-object-pool/inspector": fileURLToPath(new URL("./src/inspector.ts", import.meta.url)),
      "effect-object-pool/cluster": fileURLToPath(new URL("./src/cluster.ts", import.meta.url)),
      "effect-object-pool/promise": fileURLToPath(new URL("./src/promise.ts", import.meta.url)),
      "effect-object-pool": fileURLToPath(new URL("./src/index.ts", import.meta.url))
    }
  },
  test: {
    // with a configuration of its own: see `npm run test:trips`
    exclude: ["test/trips/**", "**/node_modules/**"],
    // what mutants are not tried on
    tags: [
      { name: "large", description: "of great numbers, or of a long time" },
      { name: "alone", description: "in a process in which no other test file has run" }
    ],
    reporters: ["default"],
    // what a test logs is shown where it fails, and what its pools warn of
    silent: "passed-only",
    execArgv: ["--disable-warning=EFFECT_OBJECT_POOL"],
    setupFiles: [fileURLToPath(new URL("./test/support/warnings.ts", import.meta.url))],
    // many a file waits for processes, browsers and a database, while others have the cores
    maxWorkers: 3 * availableParallelism(),
    sequence: { concurrent: false },
    // no promise: what hangs ends at last, also where the machine is busy with other things
    testTimeout: 300_000,
    hookTimeout: 300_000,
    coverage: { include: ["src/**/*.ts"] }
  }
})

export const every = ["test/**/*.test.ts"]

/** What looks at the process that it runs in, its timers, its heap or its pools, or needs it for long: one process each. */
const apart = [
  "test/{fuzz,inspector,integration,observability}/**/*.test.ts",
  "test/{dropped,gates,interruption,scale,soak}.test.ts",
  "test/keyed/forgotten.test.ts",
  "test/promise/{fakedTimers,garbage,process}.test.ts"
]

/** Processes that are killed and frozen, whose leases last for real time: beside each other, since they wait, and no more. */
const waiting = ["test/cluster/{chaos,failures,processes,storage}.test.ts", "test/examples/cluster.test.ts"]

/** What measures how much is served in a time: nothing else runs beside it. */
const alone = ["test/examples/{llmGateway,tenants}.test.ts", "test/integration/llmGatewayLoad.test.ts"]

/** Begins early with what waits for processes and for real time, beside what computes: nothing waits in the end, when all else is over. */
class Mixed extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    const isWaiting = ({ moduleId }: TestSpecification) =>
      /[/]test[/](cluster|docs|examples|integration|package)\b/.test(moduleId)
    const waiting = sorted.filter(isWaiting)
    const others = sorted.filter((file) => !isWaiting(file))
    return [...others.flatMap((file, i) => [...waiting.slice(i, i + 1), file]), ...waiting.slice(others.length)]
  }
}

export default mergeConfig(
  base,
  defineConfig({
    test: {
      globalSetup: ["test/support/bundles.ts"],
      sequence: { sequencer: Mixed },
      projects: [
        // effect is loaded once for all of these
        {
          extends: true,
          test: { name: "together", isolate: false, include: every, exclude: [...apart, ...waiting, ...alone] }
        },
        { extends: true, test: { name: "apart", include: apart, exclude: alone } },
        {
          extends: true,
          test: {
            name: "waiting",
            include: waiting,
            maxWorkers: 3,
            sequence: { groupOrder: 1 }
          }
        },
        { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } }
      ]
    }
  })
)
