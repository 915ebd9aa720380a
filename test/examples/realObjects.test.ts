import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { start } from "../support/example.ts"

describe("the example", () => {
  let cwd: string

  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "realObjects-")))
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  /** Runs an example in a folder of its own: its processes are known by it, however many generations there are. */
  const linesOf = async (example: string, seenAt: string) => {
    const running = start(example, { cwd })
    await running.printed(seenAt)
    const processes = processesIn(cwd).length
    const { code, stderr, stdout } = await running.ended
    assert.deepStrictEqual([code, stderr], [0, ""], stdout)
    assert.deepStrictEqual(processesIn(cwd), [], "processes are left")
    return { lines: stdout.trimEnd().split("\n"), processes }
  }
  /** Without it, a way to look for processes that finds none would always be content. */
  const assertSeen = (processes: number, least: number) => {
    if (process.platform === "linux") assert.isAtLeast(processes, least)
  }

  it("browserPages reads everything, although one page crashes and one never ends", async ({ skip }) => {
    const { lines, processes } = await linesOf("browserPages", "Chromium")
    if (lines[0]?.startsWith("skipped")) skip(lines[0])
    assertSeen(processes, 2)

    assert.match(lines[0] ?? "", /^Chromium \d+/)
    assert.match(lines[1] ?? "", /^chrome:\/\/crash: PageFailed, /)
    assert.match(lines[2] ?? "", /^\/loop: LeaseExpired, /)
    assert.match(lines[3] ?? "", /^16 articles read, "Article 1" to "Article 16", with [1-9]\d* kB of screenshots$/)
    assert.deepStrictEqual(lines.slice(4), [
      "16 times the site took the reader for a stranger",
      "3 pages at rest, 5 opened since the beginning"
    ])
  })

  it("jsonLines answers everything, although children die, hang, talk nonsense and are killed", async () => {
    const { lines, processes } = await linesOf("jsonLines", "-15")
    assertSeen(processes, 2)

    assert.deepStrictEqual(lines.map((line) => line.split(", Pool")[0]), [
      "-15: ChildEnded, the child has ended (exit code 1)",
      "0: LeaseExpired",
      "2.5: Garbage, the child answered \"DEBUG how do I factor 2.5?\"",
      "12 = 2^2 · 3",
      "97 = 97",
      "1001 = 7 · 11 · 13",
      "65536 = 2^16",
      "123456789 = 3^2 · 3607 · 3803",
      "600851475143 = 71 · 839 · 1471 · 6857",
      "999999000001 = 999999000001",
      "9007199254740991 = 6361 · 69431 · 20394401",
      "3 children at rest, 6 started since the beginning",
      "one of them is killed from outside",
      "16 more numbers factored",
      "3 children at rest, 7 started since the beginning"
    ])
  })

  it("keepAlive uses sessions again and again, and lends none that the server has closed", async () => {
    const { lines } = await linesOf("keepAlive", "morning")

    assert.match(lines[0] ?? "", /^morning: 400 commands answered; [1-4] sessions open, [1-4] opened /)
    assert.match(lines[1] ?? "", /^silence: 1 session open, /)
    assert.match(lines[2] ?? "", /^evening: 400 commands answered; [1-4] sessions open, [1-7] opened /)
    const [commands, opened, saidQuit, timedOut, brokeOff, refused] = Array.from(
      lines[3]?.matchAll(/\d+/g) ?? [],
      Number
    )
    assert.deepStrictEqual([commands, timedOut, refused], [800, 0, 0])
    assert.isAtMost(opened ?? Infinity, 7)
    // one that is being detected as the pool closes has a command under way, and cannot say QUIT
    assert.isAtMost(brokeOff ?? Infinity, 4)
    assert.strictEqual((saidQuit ?? 0) + (brokeOff ?? 0), opened)
  })
})

/** The ids of the processes that work in a folder. Elsewhere than on Linux nobody knows. */
const processesIn = (folder: string): ReadonlyArray<string> =>
  process.platform !== "linux" ? [] : readdirSync("/proc").filter((id) => {
    try {
      return /^\d+$/.test(id) && readlinkSync(`/proc/${id}/cwd`) === folder
    } catch {
      // it has just ended, or is somebody else's
      return false
    }
  })
