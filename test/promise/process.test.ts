/** What keeps a process alive, and what does not. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

/** Runs a module body in a process of its own, and answers what it printed; it has 10 seconds to end by itself. */
const run = (
  body: string
): Promise<{ readonly code: number | string | null; readonly lines: ReadonlyArray<string> }> => {
  const folder = mkdtempSync(join(tmpdir(), "promise-"))
  const file = join(folder, "program.ts")
  const entry = pathToFileURL(join(import.meta.dirname, "../../src/promise.ts")).href
  writeFileSync(file, `import { PromisePool } from ${JSON.stringify(entry)}\n${body}`)
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { timeout: 10_000 }, (error, stdout, stderr) => {
      rmSync(folder, { recursive: true })
      const ended = error === null ? 0 : error.killed ? "killed" : error.code ?? null
      resolve({ code: ended, lines: `${stdout}${stderr}`.trim().split("\n") })
    })
  })
}

describe.concurrent("a process", () => {
  it("is not kept alive by a pool that nobody waits for, whatever its timers", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({
        acquire: async () => 1,
        detectStatus: () => "Available" as const,
        size: { min: 1 },
        leaseTimeout: "1 hour",
        detection: { every: "1 hour" },
        lifetime: { timeToLive: "1 hour", idleTimeToLive: "1 hour" }
      })
      await pool.ready()
      const lease = await pool.borrow()
      pool.rest(lease.pooled, "30 days")
      console.log("borrowed", lease.object)
    `)

    assert.deepStrictEqual([code, lines], [0, ["borrowed 1"]])
  })

  it("is kept alive while somebody waits, who is told in time", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({ objects: ["a"] })
      await pool.borrow()
      await pool.borrow({ timeout: 50 }).catch((error) => console.log(error.name))
      await pool.with(() => {}, { timeout: 50 }).catch((error) => console.log(error.name))
      const never = PromisePool.make({ acquire: () => new Promise<never>(() => {}), creation: { timeout: 50 } })
      await never.borrow().catch((error) => console.log(error.name))
    `)

    assert.deepStrictEqual([code, lines], [0, ["BorrowTimeout", "BorrowTimeout", "BorrowTimeout"]])
  })

  it("is kept alive while a body runs under a lease that expires, or a pool closes", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({ objects: ["a"], leaseTimeout: 50, closing: { timeout: 50 } })
      await pool.with(() => new Promise(() => {})).catch((error) => console.log(error.name))
      await pool.borrow({ leaseTimeout: "1 hour" })
      await pool.close()
      console.log("closed")
    `)

    assert.strictEqual(code, 0)
    assert.deepStrictEqual([lines[0], lines.at(-1)], ["LeaseExpired", "closed"])
  })
})
