/** Programs that many a test starts, as files: bundles, where there are any, or their sources. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** Where the bundles are, in the environment of the tests. */
export const folderOfBundles = "TEST_PROGRAMS"

export const programs = {
  borrower: "../cluster/support/borrower.ts",
  child: "../cluster/child.ts",
  guard: "../cluster/support/guard.ts",
  host: "../cluster/support/host.ts",
  httpServer: "../../examples/httpServer/main.ts",
  llmGateway: "../../examples/llmGateway/main.ts",
  proxy: "../cluster/support/proxy.ts"
} as const
export type ProgramName = keyof typeof programs

export const sourceOf = (name: ProgramName): string => fileURLToPath(new URL(programs[name], import.meta.url))

export const programFile = (name: ProgramName): string => {
  const folder = process.env[folderOfBundles]
  return folder === undefined ? sourceOf(name) : join(folder, `${name}.mjs`)
}
