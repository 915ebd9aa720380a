/** What there is to see of limits: on the page in a real browser, in a terminal, in a frame. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { type Allowance, ObjectPool } from "../../src/index.ts"
import type { Frame, ObjectRow } from "../../src/internal/inspection/frame.ts"
import { Story } from "../../src/internal/inspection/terminal.ts"
import { make } from "../support/borrowers.ts"
import { looking } from "../support/inspector.ts"
import { onPage, pageUntil } from "../support/page.ts"

const pictureOf = ({ changed }: Frame, name: string) => changed.find((picture) => picture.name === name)!
const limitsOf = (row: ObjectRow | undefined) => row?.[9]

const one = { limit: 10, per: "1 minute", name: "requests" } as const
const tokens = { limit: 1000, per: "1 minute", unit: "cost", name: "tokens" } as const

/** A window that no busy machine outlasts: a browser's time is its own. */
const lasting = (allowance: Allowance): Allowance => ({ ...allowance, per: "1 hour" }) as Allowance

const lines = (frame: Frame, columns = 160) => {
  const story = new Story()
  story.take(frame)
  return story.lines({ url: "", columns, rows: 40, colour: false, note: "" })
}

describe("a frame", () => {
  it.effect("tells of an object what is left of its allowances, when all of it is there again, and why it rests", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "keys", objects: ["a"], allowance: [one, tokens] })
      const { frame } = yield* looking()
      const [empty] = pictureOf(yield* frame, "keys").objects.rows
      assert.deepStrictEqual(limitsOf(empty)!.allowances, [["requests", 10, 10, 0], ["tokens", 1000, 1000, 0]])

      yield* pool.with((lease) => lease.charge(1200), { cost: 50 })
      yield* TestClock.adjust("1 second")

      const picture = pictureOf(yield* frame, "keys")
      assert.deepStrictEqual(limitsOf(picture.objects.rows[0]), {
        why: "nothing left of tokens",
        allowances: [["requests", 9, 10, 60_000], ["tokens", -250, 1000, 60_000]]
      })
      assert.strictEqual(picture.objects.rows[0]![5], 60_000)
      assert.deepStrictEqual(picture.back, [[1, 60_000, "nothing left of tokens"]])
    }))

  it.effect("tells of failures in a row, of facets at rest, and of a lent object that takes no new leases", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "keys",
        objects: ["a"],
        sharing: 2,
        judge: (exit) => exit._tag === "Failure" ? "Unknown" : undefined
      })
      yield* pool.borrow
      yield* Effect.exit(pool.with(() => Effect.fail("no")))
      yield* pool.with((lease) => lease.rest("30 seconds", "large"), { facet: "large" })
      const { frame } = yield* looking()
      const [before] = pictureOf(yield* frame, "keys").objects.rows
      assert.deepStrictEqual(limitsOf(before), { failures: 1, facets: [["large", 30_000, "asked to"]] })

      yield* pool.rest("a", "10 seconds")
      yield* TestClock.adjust("1 second")
      const [after] = pictureOf(yield* frame, "keys").objects.rows
      assert.deepStrictEqual([after![1], after![5], limitsOf(after)!.why], ["B", 10_000, "asked to"])
    }))

  it.effect("of an object without limits is as it was", () =>
    Effect.gen(function*() {
      yield* make({ name: "plain", objects: ["a"] })
      const { frame } = yield* looking()
      const picture = pictureOf(yield* frame, "plain")
      assert.lengthOf(picture.objects.rows[0]!, 9)
      assert.deepStrictEqual([picture.limited, picture.allowances, picture.back], [false, [], []])
    }))

  it.effect("has sums of all objects, in which what one owes takes nothing from another, and those that are back first", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "keys",
        objects: Array.from({ length: 3000 }, (_, i) => i),
        allowance: [{ limit: 3, per: "1 minute", name: "requests" }, tokens]
      })
      for (let i = 0; i < 20; i++) {
        yield* pool.with((lease) => lease.charge(i === 0 ? 1500 : 0), {
          where: ({ object }) => object === i,
          cost: 1000
        })
        yield* TestClock.adjust(100)
      }
      const { frame } = yield* looking()

      const picture = pictureOf(yield* frame, "keys")
      assert.deepStrictEqual(picture.allowances, [
        ["requests", 8980, 9000, 3000, 0],
        ["tokens", 2_980_000, 3_000_000, 3000, 20]
      ])
      assert.lengthOf(picture.back, 10)
      assert.deepStrictEqual(picture.back[1], [2, 60_100, "nothing left of tokens"])
    }))

  it.effect("is bounded, however many allowances and facets there are, and whatever they are called", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "keys",
        objects: ["a"],
        allowance: Array.from({ length: 500 }, (_, i) => ({ ...one, name: `${i} ${"x".repeat(10_000)}` }))
      })
      for (let i = 0; i < 100; i++) {
        yield* pool.with((lease) => lease.rest("1 minute", `${i} ${"y".repeat(10_000)}`))
        yield* TestClock.adjust("1 minute")
      }
      for (let i = 0; i < 9; i++) yield* pool.with((lease) => lease.rest("1 minute", `${i} ${"y".repeat(10_000)}`))
      const { frame } = yield* looking()

      const picture = pictureOf(yield* frame, "keys")
      const limits = limitsOf(picture.objects.rows[0])!
      assert.deepStrictEqual([limits.allowances!.length, limits.facets!.length, limits.more], [8, 8, 493])
      assert.deepStrictEqual([picture.allowances.length, picture.moreAllowances], [8, 492])
      assert.isBelow(JSON.stringify(picture).length, 5000)
    }))

  it.effect("says in plain words that all rest, until when and why, and why borrows were refused", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "keys",
        objects: ["a", "b"],
        sharing: 2,
        allowance: { ...one, limit: 1 },
        borrowTimeout: "1 second"
      })
      const { frame } = yield* looking()
      yield* frame
      yield* pool.borrow
      yield* pool.with(() => Effect.void)
      for (let i = 0; i < 3; i++) yield* Effect.exit(pool.with(() => Effect.void))
      yield* TestClock.adjust("2 seconds")

      const texts = (yield* frame).troubles.map(({ text }) => text)
      assert.include(texts, "all 2 objects rest, the first wakes in 58 s (nothing left of requests)")
      assert.include(texts, "3 borrows were refused in the last minute: all rest for too long")
    }))

  it.effect("has an event of each rest that says why", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "keys", objects: ["a"], allowance: { ...one, limit: 1 } })
      const { frame } = yield* looking()
      yield* frame
      yield* pool.with((lease) => lease.rest("1 minute", "large"))
      yield* TestClock.adjust("1 second")

      const rested = (yield* frame).events.filter(([, , , tag]) => tag === "Rested").map((row) => row[6])
      assert.deepStrictEqual(rested, [
        "facet large, until 00:01:00 UTC, asked to",
        "until 00:01:00 UTC, nothing left of requests"
      ])
    }))
})

describe("a terminal", () => {
  it.effect("draws what is left of each allowance, and says who is back first, when and why", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "keys", objects: ["a", "b"], allowance: [one, tokens] })
      yield* pool.with((lease) => lease.charge(1200))
      yield* TestClock.adjust("18 seconds")
      const { frame } = yield* looking()

      const drawn = lines(yield* frame)
      assert.include(drawn, "  requests █████████░ 19 of 20 left")
      assert.include(drawn, "  tokens █████░░░░░ 1,000 of 2,000 left, 1 of 2 objects has none")
      assert.isTrue(drawn.some((line) => /^ {2}back \d in 42 s \(nothing left of tokens\)$/.test(line)))
    }))

  it.effect("says that a pool is suspended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "keys", objects: ["a"] })
      yield* pool.suspend
      const { frame } = yield* looking()
      const shown = yield* frame
      assert.isTrue(pictureOf(shown, "keys").suspended)
      assert.match(lines(shown).join("\n"), /keys {2}suspended/)
    }))

  it.effect("draws amounts that are beyond any limit, and obeys no name", () =>
    Effect.gen(function*() {
      yield* make({ name: "keys", objects: ["a"], allowance: one })
      const { frame } = yield* looking()
      const shown = yield* frame
      const hostile = (left: number, limit: number) =>
        lines({
          ...shown,
          changed: [{
            ...pictureOf(shown, "keys"),
            allowances: [[`\x1b[2J\n${"x".repeat(300)}`, left, limit, 1, 0]],
            back: [[1, 8.64e15, "\x1b[2J\u202e"]]
          }]
        }, 120)

      for (const [left, limit] of [[-5, 10], [1e15, 1], [0, 0], [5, -1], [0.001, 10]] as const) {
        for (const line of hostile(left, limit)) {
          // oxlint-disable-next-line no-control-regex
          assert.notMatch(line, /[\x00-\x1f\u202e]/)
          assert.isAtMost(line.length, 120)
        }
      }
    }))
})

describe("the page", () => {
  const detail = `document.querySelector(".detail").textContent`

  it.live("shows what is left of each allowance, in words and as a bar, of one object and of all", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a", "b"], allowance: [one, tokens].map(lasting) })
      yield* pool.with((lease) => lease.charge(1200), { where: ({ object }) => object === "a", cost: 50 })
      const { page, said } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelectorAll(".sums li").length === 2`)

      const sums = yield* Effect.promise(() =>
        page.evaluate(
          `[...document.querySelectorAll(".sums li")].map((item) => [item.textContent, item.querySelector("i").style.width])`
        )
      )
      assert.deepStrictEqual(sums, [
        ["requests19 of 20 left", "95%"],
        ["tokens1,000 of 2,000 left, 1 of 2 objects has none", "50%"]
      ])
      assert.match(
        String(yield* Effect.promise(() => page.textContent(".back"))),
        /^Back next: 1 in (60|5\d) min \(nothing left of tokens\)$/
      )
      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("Home")
      })
      yield* pageUntil(page, `/back in \\d+ min: nothing left of tokens/.test(${detail})`)
      yield* pageUntil(page, `/tokens +0 of 1,000 left, 250 owed, full in \\d+ min/.test(${detail})`)
      const widths = yield* Effect.promise(() =>
        page.evaluate(
          `[...document.querySelectorAll(".detail .meter")].map((meter) => [meter.firstElementChild.style.width, meter.className])`
        )
      )
      assert.deepStrictEqual(widths, [["90%", "meter"], ["0%", "meter none"]])
      assert.deepStrictEqual(said, [])
    }))

  it.live("counts down without a frame of its pool, and shows facets, failures and rests in its table", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        name: "keys",
        objects: ["a"],
        judge: (exit) => exit._tag === "Failure" ? "Unknown" : undefined
      })
      yield* Effect.exit(pool.with(() => Effect.fail("no")))
      yield* Effect.exit(pool.with(() => Effect.fail("no")))
      yield* pool.with((lease) => lease.rest("1 hour", "large"))
      const { page, said } = yield* onPage(skip)
      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("Home")
        await page.click(".pool details summary")
      })
      yield* pageUntil(page, `/2 failures in a row *facet large rests, back in 60 min: asked to/.test(${detail})`)
      yield* pool.rest("a", "50 seconds")
      yield* pageUntil(page, `/back in ([1-3]\\d|4[0-7]) s: asked to/.test(${detail})`)
      yield* pageUntil(
        page,
        `/in \\d+ s: asked to/.test(document.querySelector(".pool tbody tr").cells[7].textContent)`
      )
      assert.deepStrictEqual(said, [])
    }))

  it.live("takes a hostile name of an allowance for a text, and does not move for a new one", ({ skip }) =>
    Effect.gen(function*() {
      const name = `<img src=x onerror="document.title='owned'">`
      const pool = yield* ObjectPool.make<string>({
        name: "keys",
        allowance: ({ object }) => [{ ...one, name }, { ...one, name: object.repeat(200) }]
      })
      const { page, said } = yield* onPage(skip)
      const top = `document.querySelector(".charts").getBoundingClientRect().top + scrollY`
      yield* pool.add("a")
      yield* pageUntil(page, `document.querySelectorAll(".sums li").length === 2`)
      const before = yield* Effect.promise(() => page.evaluate(top))
      for (const object of ["b", "c", "d", "e", "f", "g", "h", "i", "j"]) yield* pool.add(object)
      yield* pageUntil(page, `document.querySelector(".pool").textContent.includes("3 more are not shown")`)

      assert.include(String(yield* Effect.promise(() => page.textContent(".sums"))), name.slice(0, 40))
      assert.notInclude(yield* Effect.promise(() => page.title()), "owned")
      assert.strictEqual(yield* Effect.promise(() => page.evaluate(top)), before)
      yield* Effect.promise(() => page.click(".pool details summary"))
      yield* pageUntil(page, `document.querySelectorAll(".pool tbody .meter").length === 20`)
      assert.deepStrictEqual(said, [])
    }))

  it.live("draws 10 000 objects with limits, and one of them is found with what is left of it", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        name: "huge",
        objects: Array.from({ length: 10_000 }, (_, i) => i),
        allowance: [one, tokens].map(lasting)
      })
      for (let i = 0; i < 500; i++) yield* pool.with((lease) => lease.charge(1000))
      const { page, said } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelectorAll(".sums li").length === 2`)
      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("End")
      })
      yield* pageUntil(page, `/^Object 10000.*requests.* of 10 left/.test(${detail})`)
      assert.match(
        String(yield* Effect.promise(() => page.textContent(".sums"))),
        /5\d\d of 10,000 objects have none|of 10,000,000 left/
      )
      assert.deepStrictEqual(said, [])
    }))

  it.live("tells who does not see colours that a bar is empty or nearly so: a frame, and words", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"], allowance: lasting({ ...one, limit: 1 }) })
      yield* pool.with(() => Effect.void)
      const { page } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelector(".sums .meter").className === "meter none"`)
      const seen = yield* Effect.promise(() =>
        page.evaluate(`(() => {
          const meter = document.querySelector(".sums .meter")
          return [getComputedStyle(meter).borderTopStyle, meter.getAttribute("aria-hidden"), meter.parentElement.textContent]
        })()`)
      )
      assert.deepStrictEqual(seen, ["dashed", "true", "requests0 of 1 left, 1 of 1 object has none"])
    }))

  it.live("says that a pool is suspended, also to those who wait", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"] })
      yield* pool.suspend
      yield* Effect.forkChild(Effect.scoped(pool.borrow), { startImmediately: true })
      const { page } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelector(".pool .badge").textContent === "suspended"`)
      yield* pageUntil(page, `document.querySelector(".queue li").textContent.includes("pool suspended")`)
      yield* pageUntil(page, `document.getElementById("overview-rows").rows[0].cells[1].textContent === "suspended"`)
    }))
})
