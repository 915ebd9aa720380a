import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, start } from "../support/example.ts"

const oddNames = [
  " leading and trailing ",
  "*star",
  "-dash",
  "back\\slash",
  "back\\nslash",
  "carriage\rreturn",
  "empty",
  "folder/in a folder/plain.txt",
  "line\nbreak",
  "line\nbreak\\and backslash",
  "several chunks",
  "ünïcödé, 日本語, 🙂"
]
const contents = (name: string) => name === "empty" ? "" : name.repeat(name === "several chunks" ? 50_000 : 1)

describe("checksums", () => {
  let cwd: string

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "checksums-"))
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  const write = (...paths: ReadonlyArray<string>) =>
    paths.forEach((path) => {
      mkdirSync(join(cwd, path, ".."), { recursive: true })
      writeFileSync(join(cwd, path), contents(path))
    })
  const checksums = (...args: ReadonlyArray<string>) => run("checksums", { args, cwd })
  const sums = () => readFileSync(join(cwd, "SHA256SUMS"), "utf8")
  /** The names as they stand in the file: escaped. */
  const names = () => sums().split("\n").slice(0, -1).map((line) => line.slice(line.indexOf("  ") + 2))
  /** Throws unless every line is well formed, and right. */
  const verify = () => execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd })

  it("hashes files whatever their names are, so that sha256sum verifies every line", async () => {
    write(...oddNames)

    const { code, stderr, stdout } = await checksums(".")

    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.lengthOf(names(), oddNames.length)
    assert.deepStrictEqual(names(), [...names()].sort())
    verify()
    assert.match(stdout, /^100 % \(12 of 12 files\)$/m)
    assert.match(stdout, /^files +12$/m)
    assert.match(stdout, /^bytes .*\(7\d{5}\)$/m)
    assert.match(stdout, /^rate .*B\/s/m)
    assert.match(stdout, /^borrows +12$/m)
    assert.match(stdout, /^waits +p50 .* ms, p99 .* ms, max .* ms$/m)
    assert.match(stdout, /^workers +\d+ made, 0 destroyed$/m)
    assert.match(stdout, /^objects +\d pending, \d available, 0 borrowed, 0 dormant, 0 unknown, 0 invalid$/m)
  })

  it("hashes every file although workers crash and hang, and replaces the workers", async () => {
    write(...oddNames)

    // Of these twelve files the seed makes two throw, one exit and one hang.
    const { code, stderr, stdout } = await checksums(".", "--chaos", "0.3", "--seed", "1", "--workers", "2")

    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.lengthOf(names(), oddNames.length)
    verify()
    assert.match(stdout, /^borrows +(1[6-9]|[2-9]\d)$/m)
    const [, made, destroyed] = /^workers +(\d+) made, (\d+) destroyed$/m.exec(stdout) ?? []
    assert.isAbove(Number(made), 2)
    assert.isAtLeast(Number(destroyed), 3)
  })

  it("hashes the sources of effect when it is given no folder", async () => {
    const { code, stdout } = await checksums()

    assert.strictEqual(code, 0)
    assert.isAbove(names().length, 400)
    verify()
    assert.strictEqual(stdout.match(/ % \(/g)?.length, 10)
  })

  it("names the files of another folder as they are seen from here", async () => {
    write("here/note", "there/file")

    const { code } = await run("checksums", { args: ["../there", "--output", "../SHA256SUMS"], cwd: join(cwd, "here") })

    assert.strictEqual(code, 0)
    assert.deepStrictEqual(names(), ["../there/file"])
  })

  it("follows no symbolic link, and does not hash its own output", async () => {
    write("file", "SHA256SUMS")
    symlinkSync("file", join(cwd, "link to a file"))
    symlinkSync(".", join(cwd, "link to a folder"))
    symlinkSync("nowhere", join(cwd, "link to nothing"))

    const { code } = await checksums(".")

    assert.strictEqual(code, 0)
    assert.deepStrictEqual(names(), ["file"])
  })

  it("fails in one line when it is used wrongly", async () => {
    write("file")
    const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
      [["nowhere"], "checksums: cannot read \"nowhere\": no such file or directory\n"],
      [["file"], "checksums: cannot read \"file\": not a directory\n"],
      [[".", "--workers", "0"], "checksums: Invalid value for flag --workers: \"0\". Expected: at least 1\n"],
      [[".", "--chaos", "1.1"], "checksums: Invalid value for flag --chaos: \"1.1\". Expected: a number from 0 to 1\n"],
      [[".", "--chaos=-0.1"], "checksums: Invalid value for flag --chaos: \"-0.1\". Expected: a number from 0 to 1\n"],
      [[".", "--seed", "1.5"], "checksums: Invalid value for flag --seed: \"1.5\". Expected an integer\n"],
      [[".", "--output", "no/where"], "checksums: cannot write \"no/where\": no such file or directory\n"],
      [[".", "--output", "file/sums"], "checksums: cannot write \"file/sums\": not a directory\n"],
      [[".", "--output", "."], "checksums: cannot write \".\": not a regular file\n"],
      [[".", "--output", "/dev/null"], "checksums: cannot write \"/dev/null\": not a regular file\n"]
    ]

    const ends = await Promise.all(cases.map(([args]) => checksums(...args)))

    assert.deepStrictEqual(ends.map(({ stderr }) => stderr), cases.map(([, message]) => message))
    for (const { code } of ends) assert.strictEqual(code, 1)
    assert.deepStrictEqual(readdirSync(cwd), ["file"])
  })

  it("fails in one line when a file cannot be read", async () => {
    write("a", "b")
    // The only worker hangs on `a`, for longer as it is large: time to take `b` away, which is listed but not hashed.
    truncateSync(join(cwd, "a"), 20_000_000)
    const running = start("checksums", { args: [".", "--workers", "1", "--chaos", "1", "--seed", "1"], cwd })
    await running.printed("hashing 2 files")
    rmSync(join(cwd, "b"))

    const { code, stderr } = await running.ended

    assert.deepStrictEqual([code, stderr], [1, "checksums: cannot read \"b\": no such file or directory\n"])
    assert.deepStrictEqual(readdirSync(cwd), ["a"])
  })

  it("ends at once on Ctrl-C, and leaves the output as it was", async () => {
    write(...oddNames)
    writeFileSync(join(cwd, "SHA256SUMS"), "as it was")
    // Every file's first job goes wrong: there is time to interrupt, and a thread that hangs has to be terminated.
    const running = start("checksums", { args: [".", "--chaos", "1", "--seed", "1"], cwd })
    await running.printed(" of 12 files)")

    running.kill("SIGINT")
    const { code, stderr } = await running.ended

    assert.deepStrictEqual([code, stderr], [130, ""])
    assert.strictEqual(sums(), "as it was")
    assert.sameMembers(readdirSync(cwd), [
      "SHA256SUMS",
      ...new Set(oddNames.map((name) => name.replace(/\/.*/, "")))
    ])
  })
})
