/** The package as it is published: packed, and unpacked beside effect in an empty project. */
import { execFile } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { promisify } from "node:util"

export const run = promisify(execFile)

/** An empty project, in which the package is installed. */
export const emptyProject = async (): Promise<string> => {
  const project = await Fs.mkdtemp(Path.join(Os.tmpdir(), "package-"))
  await run("npm", ["pack", "--pack-destination", project])
  const tarball = (await Fs.readdir(project)).find((file) => file.endsWith(".tgz"))!
  await Fs.writeFile(Path.join(project, "package.json"), JSON.stringify({ type: "module" }))
  // what it asks for beside itself is there already
  await run("npm", ["install", "--offline", "--legacy-peer-deps", "--no-audit", "--no-fund", `./${tarball}`], {
    cwd: project
  })
  await peer(project, "effect")
  return project
}

/** Has a package that the project of these tests has in an empty project as well. */
export const peer = async (project: string, name: string): Promise<void> => {
  const installed = Path.join(project, "node_modules", name)
  await Fs.mkdir(Path.dirname(installed), { recursive: true })
  await Fs.symlink(Path.resolve("node_modules", name), installed)
}

/** Compiles a program of the project for the oldest Node that is supported. */
export const compile = async (project: string, file: string): Promise<void> => {
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    strict: true,
    lib: ["es2022", "dom", "esnext.disposable"],
    types: [],
    skipLibCheck: true
  }
  await Fs.writeFile(Path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }))
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project])
}
