/** How the page looks in a real browser, while what it shows changes; without one its tests are skipped. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ObjectPool } from "../../src/index.ts"
import { start } from "../support/borrowers.ts"
import { onPage, pageUntil } from "../support/page.ts"

/** Where everything is that a pointer may be on its way to. */
const places = `Object.fromEntries([...document.querySelectorAll("button, select, input, summary, canvas, h2, .events")]
  .filter((element) => element.checkVisibility())
  .map((element, i) => {
    const { height, left, top, width } = element.getBoundingClientRect()
    return [i + " " + element.tagName + " " + element.id + element.className, [left, top + scrollY, width, height].map(Math.round)]
  }))`

/** What is wider than there is room for, where that cannot be reached but by scrolling aside. */
const wide = `[...document.querySelectorAll("main *:not(.away)")].filter((element) => element.checkVisibility() &&
  element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible").map((element) => element.outerHTML.slice(0, 80))`

describe("the page", () => {
  for (const viewport of [{ width: 1200, height: 900 }, { width: 1500, height: 900 }, { width: 390, height: 844 }]) {
    it.live(`of ${viewport.width} pixels does not move under the pointer, whatever happens in the pools`, ({ skip }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        let broken = true
        const made = yield* ObjectPool.make({
          name: "made",
          acquire: Effect.suspend(() => broken ? Effect.fail("no") : Effect.as(Deferred.await(gate), {})),
          size: { max: 40 },
          borrowTimeout: "20 seconds"
        })
        const added = yield* ObjectPool.make({
          name: "added",
          objects: Array.from({ length: 12 }, (_, i) => i),
          sharing: 3,
          detectStatus: () => "Available"
        })
        const { page, said } = yield* onPage(skip, { actions: true, authorize: Effect.void }, { viewport })
        yield* pageUntil(page, `document.querySelectorAll(".pool").length === 2`)
        const before = yield* Effect.promise(() => page.evaluate(places))

        // the factory fails, and many wait
        yield* Effect.exit(Effect.scoped(made.borrow))
        broken = false
        const waiting = yield* Effect.forEach(
          Array.from({ length: 30 }),
          () => start(Effect.scoped(Effect.andThen(made.borrow, Effect.never)))
        )
        yield* pageUntil(page, `document.querySelectorAll(".queue li").length > 5`)
        yield* pageUntil(page, `document.getElementById("troubles").children.length > 1`)
        assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(places)), before)
        // they are served, and others borrow and rest
        yield* Deferred.succeed(gate, undefined)
        yield* pageUntil(
          page,
          `document.querySelectorAll(".pool")[0].querySelector(".size").textContent.startsWith("30 ")`
        )
        for (let i = 0; i < 8; i++) yield* added.borrow
        yield* added.with((lease) => lease.rest("1 hour"))
        yield* pageUntil(page, `document.querySelectorAll(".legend")[1].textContent.includes("z1dormant")`)
        assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(places)), before)
        yield* Effect.forEach(waiting, Fiber.interrupt)
        yield* pageUntil(page, `document.querySelectorAll(".queue li").length === 0`)

        assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(places)), before)
        assert.deepStrictEqual(said, [])
      }))
  }

  it.live("of 1200 pixels has room for every column", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        name: "wide",
        objects: Array.from({ length: 2000 }, (_, i) => i),
        sharing: 9
      })
      for (let i = 0; i < 3000; i++) yield* pool.borrow
      const { page } = yield* onPage(skip, { actions: true, authorize: Effect.void }, {
        viewport: { width: 1200, height: 900 }
      })
      yield* Effect.promise(() => page.click(".pool details summary"))
      yield* pageUntil(page, `document.querySelectorAll(".pool tbody tr").length > 50`)
      yield* pool.borrow
      yield* pageUntil(page, `document.getElementById("event-rows").rows.length > 0`)

      assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(wide)), [])
    }))

  it.live("of a phone has a dialog that fits, and whose fields a finger can hit", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "resized", acquire: Effect.succeed({}), size: { max: 4 } })
      const { page } = yield* onPage(skip, { actions: true, authorize: Effect.void }, {
        viewport: { width: 390, height: 844 },
        hasTouch: true
      })

      yield* Effect.promise(() => page.tap(".actions button:text('Resize')"))
      const boxes = yield* Effect.promise(() =>
        page.evaluate(`[...document.querySelectorAll("dialog, dialog input, dialog button")].map((element) => {
          const { height, left, right } = element.getBoundingClientRect()
          return [left >= 0 && right <= innerWidth, height >= 44, element.scrollWidth <= element.clientWidth]
        })`) as Promise<ReadonlyArray<unknown>>
      )
      assert.deepStrictEqual(boxes, Array.from({ length: 5 }, () => [true, true, true]))
      assert.strictEqual(yield* Effect.promise(() => page.evaluate("document.documentElement.scrollWidth")), 390)
      yield* Effect.promise(async () => {
        await page.fill("dialog label:nth-child(2) input", "9")
        await page.tap("#dialog-yes")
      })
      yield* Effect.repeat(Effect.delay(pool.stats, 20), { until: ({ max }) => max === 9 })
    }))

  it.live("has one zone for all times, whatever that of its reader", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "timed", objects: ["a"] })
      const { page } = yield* onPage(skip, {}, { timezoneId: "Asia/Kathmandu" })
      yield* pool.with((lease) => lease.rest("1 hour"))
      yield* Effect.promise(() => page.check("label:has-text('Statuses') input"))
      yield* pageUntil(page, `document.getElementById("event-rows").textContent.includes("until ")`)

      const [at, until] = (yield* Effect.promise(() =>
        page.evaluate(`(() => {
          const row = [...document.getElementById("event-rows").rows].find((row) => row.textContent.includes("until "))
          return [row.cells[0].textContent, row.cells[5].textContent]
        })()`)
      )) as [string, string]
      assert.match(until, /^until \d\d:\d\d:\d\d UTC, asked to$/)
      const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))
      assert.include([60, 61], (minutes(until.slice(6)) - minutes(at) + 1440) % 1440)
      assert.strictEqual(yield* Effect.promise(() => page.textContent(".events th")), "Time, UTC")
    }))

  it.live("has nothing grow older when its server is gone, and goes on when it is back", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "held", objects: ["a"] })
      yield* pool.borrow
      const { node, page } = yield* onPage(skip)
      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("Home")
      })
      // what is drawn again whenever it is pointed at, with the age of the moment
      const held = Effect.promise(() =>
        page.evaluate(`(() => {
          document.querySelector("canvas").dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }))
          return document.querySelector(".detail").textContent
        })()`)
      )
      const refuse = (socket: { readonly destroy: () => void }) => socket.destroy()
      node.on("connection", refuse)
      node.closeAllConnections()
      yield* pageUntil(page, `document.getElementById("state").dataset.state === "lost"`)

      const then = yield* held
      yield* Effect.sleep(2200)
      assert.strictEqual(yield* held, then)
      assert.match(String(then), /for \d/)
      node.off("connection", refuse)
      yield* pageUntil(page, `document.getElementById("state").dataset.state === "live"`)
      yield* Effect.repeat(held, { until: (now) => now !== then })
    }))
})
