/** The programs that the tests start, as files: bundles, where there are any, or their sources. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** Where the bundles are, in the environment of the tests. */
export const folderOfBundles = "TEST_PROGRAMS"

export const programs = {
  borrower: "./borrower.ts",
  child: "../child.ts",
  guard: "./guard.ts",
  host: "./host.ts",
  proxy: "./proxy.ts"
} as const
export type ProgramName = keyof typeof programs

export const programFile = (name: ProgramName): string => {
  const folder = process.env[folderOfBundles]
  return folder === undefined ? fileURLToPath(new URL(programs[name], import.meta.url)) : join(folder, `${name}.mjs`)
}
