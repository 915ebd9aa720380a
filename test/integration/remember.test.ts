/** Promise 35, in earnest: processes that are killed, one after the other, over the same files. */
import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { limit, names, per, rest } from "./remembering/limits.ts"

interface Fact {
  readonly kind: string
  readonly name: string
  readonly at: number
}

/** Runs until it has lent for so long, and is killed then; answers what it has said. */
const killed = (folder: string, millis: number): Promise<ReadonlyArray<Fact>> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "remembering/main.ts"), folder], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    let killing: NodeJS.Timeout | undefined
    child.on("error", reject)
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.includes("began")) killing ??= setTimeout(() => child.kill("SIGKILL"), millis)
    })
    child.on("close", () =>
      resolve(
        // a line that the kill has cut is none
        said.split("\n").slice(0, -1).map((line) => line.split(" ")).map(([kind, name, at]): Fact => ({
          kind: kind!,
          name: name ?? "",
          at: Number(at)
        }))
      ))
  })

describe("keys that are remembered in files", () => {
  it("a process that is killed amid a load has forgotten no more than its last second", async () => {
    const folder = mkdtempSync(join(tmpdir(), "remembering-"))
    const lives: Array<ReadonlyArray<Fact>> = []
    for (const millis of [1400, 2300, 1100, 1900]) lives.push(await killed(folder, millis))

    const files = readdirSync(folder).filter((file) => !file.endsWith(".new"))
    assert.deepStrictEqual(files.toSorted(), names.map((name) => encodeURIComponent(`keys/${name}`)).toSorted())
    for (const file of files) assert.notInclude(readFileSync(join(folder, file), "utf8"), "sk-")
    rmSync(folder, { recursive: true })

    for (const name of names) {
      const of = (kind: string, life: ReadonlyArray<Fact>) =>
        life.filter((fact) => fact.kind === kind && fact.name === name).map(({ at }) => at)
      // what was in the file when the process was killed: the next knows that, and no more
      const known = lives.map((life) => Math.max(-Infinity, ...of("wrote", life)))
      const remembered = lives.flatMap((life, i) => of("lent", life).filter((at) => at < known[i]!))
      for (const [i, life] of lives.entries()) {
        const lent = of("lent", life)
        // in no window more than the limit, but for what the lives before had not written yet
        for (const end of lent) {
          // the two clocks are read one after the other
          const begin = end - per + 5
          const before = remembered.filter((at) => at < lent[0]! && at > begin)
          const own = lent.filter((at) => at <= end && at > begin)
          assert.isAtMost(before.length + own.length, limit, `${name} in life ${i}`)
        }
        // a rest that was written is kept
        const rests = lives.slice(0, i).flatMap((life, i) => {
          const told = of("rests", life)
          return told.filter((until) => until - rest < known[i]! - 50)
        })
        for (const until of rests) {
          assert.deepStrictEqual(lent.filter((at) => at < until), [], `${name} rests until ${until}`)
        }
      }
      // what was lent has been written within about a second: on any machine, not long after
      const forgotten = lives.flatMap((life, i) => of("lent", life).filter((at) => at >= known[i]!))
      assert.isBelow(forgotten.length, remembered.length + limit * lives.length)
    }
    assert.isAbove(lives.flat().filter(({ kind }) => kind === "lent").length, limit * names.length)
  })
})
