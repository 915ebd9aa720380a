/** The package as it is published: packed, unpacked beside effect, and used from there. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { ObjectPool } from "../src/index.ts"
import { broken, documents, linksOf } from "./docs/documents.ts"
import { serve } from "./support/inspector.ts"
import { node } from "./support/node.ts"
import { compile, emptyProject, peer, run } from "./support/package.ts"
import { failure } from "./support/promises.ts"

const firstProgram = async (): Promise<string> =>
  (await Fs.readFile("README.md", "utf8")).split("```ts\n")[1]!.split("```")[0]!

describe("the package", () => {
  let project = ""

  beforeAll(async () => {
    project = await emptyProject()
  })
  afterAll(() => Fs.rm(project, { recursive: true }))

  it("compiles the README's first program under strict TypeScript, and runs it", async ({ signal }) => {
    await Fs.writeFile(Path.join(project, "program.ts"), await firstProgram())
    await compile(project, "program.ts")
    await node([Path.join(project, "program.js")], signal)
  })

  it("has two faces, whose blocks give back, compiled for the oldest Node", async ({ signal }) => {
    await Fs.copyFile("test/runtimes/smoke.ts", Path.join(project, "smoke.ts"))
    await compile(project, "smoke.ts")
    await node([Path.join(project, "smoke.js")], signal)
  })

  it("is not published from a repository that says of nowhere where it is", async ({ signal }) => {
    const failed = await failure(node([".ci/publishable.mjs"], signal)) as Error

    assert.include(failed.message, "`repository` is a placeholder")
  })

  it("is a program of its own name, which says what it lacks, and shows the pools of another", async () => {
    const { bin, name, version } = JSON.parse(await Fs.readFile("package.json", "utf8")) as {
      readonly bin: object
      readonly name: string
      readonly version: string
    }
    const program = (...args: ReadonlyArray<string>) =>
      run(Path.join(project, "node_modules/.bin", name), args, { cwd: project })

    // another name would be asked for at the registry, where it belongs to nobody
    assert.deepStrictEqual(Object.keys(bin), [name])
    assert.include(
      await run("npx", ["--offline", name, "--version"], { cwd: project }).catch((
        { stderr }: { readonly stderr: string }
      ) => stderr),
      "npm install @effect/platform-node"
    )
    await peer(project, "@effect/platform-node")
    assert.strictEqual((await program("--version")).stdout, `effect-object-pool v${version}\n`)
    assert.include(
      await program("inspect", "http://127.0.0.1:9/pools").catch(({ stderr }: { readonly stderr: string }) => stderr),
      "No inspector at http://127.0.0.1:9/pools"
    )
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      yield* ObjectPool.make({ name: "shown", objects: ["a"] })
      const { url } = yield* serve()
      const { stdout } = yield* Effect.promise(() => program("inspect", url, "--once"))
      assert.include(stdout, "shown  open  1 object")
    })))
  })

  it("ships what it needs, and no test", async () => {
    const tarball = (await Fs.readdir(project)).find((file) => file.endsWith(".tgz"))!
    const { stdout } = await run("tar", ["-tzf", Path.join(project, tarball)])
    const paths = stdout.split("\n").map((path) => path.replace(/^package\//, ""))

    assert.includeMembers(paths, ["README.md", "LICENSE", "CHANGELOG.md", "package.json", "src/index.ts"])
    assert.includeMembers(paths, ["docs/options.md", "examples/README.md", "examples/quickStart.ts"])
    assert.isFalse(paths.some((path) => path.startsWith("test/")))
  })

  for (const document of documents) {
    it(`has pages whose links lead where they say, within it: ${document}`, async () => {
      const root = Path.join(project, "node_modules/effect-object-pool")
      const text = await Fs.readFile(Path.join(root, document), "utf8")
      const wrong = linksOf(text).flatMap((link) => broken(root, document, link) ?? [])

      assert.deepStrictEqual(wrong, [])
    })
  }
})
