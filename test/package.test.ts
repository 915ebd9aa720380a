/** The package as it is published: packed, unpacked beside effect, and used from there. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { promisify } from "node:util"
import { node, typeCheck } from "./support/node.ts"

const run = promisify(execFile)

const inEmptyProject = async (use: (project: string) => Promise<void>): Promise<void> => {
  const project = await Fs.mkdtemp(Path.join(Os.tmpdir(), "package-"))
  try {
    await run("npm", ["pack", "--pack-destination", project])
    const tarball = (await Fs.readdir(project)).find((file) => file.endsWith(".tgz"))!
    const installed = Path.join(project, "node_modules", "effect-object-pool")
    await Fs.mkdir(installed, { recursive: true })
    await run("tar", ["-xzf", Path.join(project, tarball), "-C", installed, "--strip-components", "1"])
    await Fs.symlink(Path.resolve("node_modules/effect"), Path.join(project, "node_modules", "effect"))
    await Fs.writeFile(Path.join(project, "package.json"), JSON.stringify({ type: "module" }))
    await use(project)
  } finally {
    await Fs.rm(project, { recursive: true })
  }
}

const firstProgram = async (): Promise<string> =>
  (await Fs.readFile("README.md", "utf8")).split("```ts\n")[1]!.split("```")[0]!

describe("the package", () => {
  it("compiles the README's first program under strict TypeScript, and runs it", async ({ signal }) => {
    await inEmptyProject(async (project) => {
      await Fs.writeFile(Path.join(project, "program.ts"), await firstProgram())
      const compilerOptions = {
        module: "nodenext",
        target: "es2022",
        strict: true,
        lib: ["es2022", "dom", "esnext.disposable"],
        types: []
      }
      await Fs.writeFile(Path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }))

      await typeCheck(project, signal)
      await node([Path.join(project, "program.ts")], signal)
    })
  }, 60_000)

  it("ships what it needs, and no test", async () => {
    const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"])
    const [{ files }] = JSON.parse(stdout) as [{ files: Array<{ path: string }> }]
    const paths = files.map((file) => file.path)

    assert.includeMembers(paths, ["README.md", "LICENSE", "CHANGELOG.md", "package.json", "src/index.ts"])
    assert.isFalse(paths.some((path) => path.startsWith("test/") || path.startsWith("examples/")))
  })
})
