/** The example of a shared pool: real processes, and a real PostgreSQL. Times are shown, and not tested. */
import { assert, describe, it } from "@effect/vitest"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { start } from "../support/example.ts"

/** Runs it with a folder of its own for what is temporary. */
const begin = () => {
  const folder = mkdtempSync(join(tmpdir(), "cluster-"))
  // PostgreSQL runs as another user where this one is root
  chmodSync(folder, 0o755)
  const running = start("cluster/main", {
    env: { ...process.env, DATABASE_URL: undefined, TMPDIR: folder, CLUSTER_CALM: "500 millis" }
  })
  /** All processes that it has started. */
  const processes = () => {
    const [database] = readdirSync(folder)
    const [postmaster] = readFileSync(join(folder, database!, "postmaster.pid"), "utf8").split("\n")
    return { postmaster: Number(postmaster), others: () => running.stdout().matchAll(/ is process (\d+)/g) }
  }
  const ended = running.ended.then((ending) => {
    const left = readdirSync(folder)
    rmSync(folder, { recursive: true })
    return { ...ending, left }
  })
  return { ...running, ended, processes }
}

const assertGone = ({ others, postmaster }: ReturnType<ReturnType<typeof begin>["processes"]>) => {
  const pids = [postmaster, ...Array.from(others(), ([, pid]) => Number(pid))]
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  return pids.length
}

describe("the example", () => {
  it("cluster has all keys handed on, whoever is killed, frozen or stopped, and never to two at once, and ends by itself", async () => {
    const example = begin()
    await example.printed(/is killed/)
    const processes = example.processes()

    const { code, left, stderr, stdout } = await example.ended

    assert.deepStrictEqual([code, stderr, left], [0, "", []], stdout)
    // a database, three hosts and six borrowers, and those who have taken the place of three of them
    assert.strictEqual(assertGone(processes), 1 + 3 + 6 + 3)
    const rows = stdout.slice(stdout.indexOf("keys to hand on")).split("\n").map((line) => line.split(/ {2,}/))
    const last = (name: RegExp) => rows.filter(([first]) => name.test(first!)).map((row) => row.at(-1))
    for (
      const incident of [/^borrower \d is killed/, /^borrower \d is frozen/, /^host \d is killed/, /^host \d is told/]
    ) {
      const [[, keys, took] = []] = rows.filter(([first]) => incident.test(first!))
      assert.isAbove(Number(keys), 0)
      assert.match(took!, /^[\d.]+ m?s$/)
    }
    assert.isAbove(Number(last(/^requests answered/)[0]), Number(last(/^leases$/)[0]))
    assert.deepStrictEqual(last(/^with two holders/), ["0"])
    assert.deepStrictEqual([last(/^leases left/), last(/^processes that did not/)], [["0"], ["0"]])
  })

  it("cluster leaves no process and no folder behind when it is interrupted", async () => {
    const example = begin()
    await example.printed(/is frozen/)
    const processes = example.processes()

    example.kill("SIGINT")
    const { code, left, stderr } = await example.ended

    assert.deepStrictEqual([code, stderr, left], [130, "", []])
    assert.isAtLeast(assertGone(processes), 1 + 3 + 6)
  })
})
