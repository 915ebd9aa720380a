/** What there is to see of the classes of borrowers of a pool: on the page, in a terminal, in a frame. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ObjectPool } from "../../src/index.ts"
import { classesShown, type Frame } from "../../src/internal/inspection/frame.ts"
import { Story } from "../../src/internal/inspection/terminal.ts"
import { isDrawn } from "../../src/internal/inspection/wire.ts"
import { start } from "../support/borrowers.ts"
import { looking } from "../support/inspector.ts"
import { onPage, pageUntil } from "../support/page.ts"

const limits = { interactive: { reserve: 1, weight: 4 }, batch: { most: 1, weight: 1 } }

/** One of each class has an object, and another of the second waits. */
const busy = Effect.gen(function*() {
  const pool = yield* ObjectPool.make({ name: "sessions", objects: ["a", "b", "c"], classes: limits })
  yield* pool.borrowWith({ class: "interactive" })
  yield* pool.borrowWith({ class: "batch" })
  return yield* start(pool.with(() => Effect.void, { class: "batch" }))
})

/** What a terminal shows of a frame that has come over the wire. */
const lines = (frame: Frame) => {
  const story = new Story()
  const come: unknown = JSON.parse(JSON.stringify(frame))
  assert(isDrawn(come))
  story.take(come)
  return story.lines({ url: "", columns: 120, rows: 60, colour: false, note: "" }).map((line) => line.trim())
}

describe("classes of borrowers", () => {
  it.effect("are lines of a terminal: what each has, may have, and who waits", () =>
    Effect.gen(function*() {
      const waits = yield* busy
      const { frame } = yield* looking()

      const shown = lines(yield* frame)

      assert.include(shown, "interactive  1 lease, 1 in reserve")
      assert.include(shown, "batch  1 lease, at most 1, 1 waiting")
      yield* Fiber.interrupt(waits)
    }))

  it.effect("of which there are very many, or which are called by very much, do not fill a terminal", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 500 }, (_, n) => [`${"long".repeat(500)}${n}`, { most: 1 }])
      yield* ObjectPool.make({ name: "sessions", objects: ["a"], classes: Object.fromEntries(many) })
      const { frame } = yield* looking()

      const shown = lines(yield* frame).filter((line) => line.includes("at most 1"))

      assert.lengthOf(shown, classesShown)
      for (const line of shown) assert.isAtMost(line.length, 120)
    }))

  it.live("are a table of the page, which a pool without any does not have", ({ skip }) =>
    Effect.gen(function*() {
      const waits = yield* busy
      yield* ObjectPool.make({ name: "plain", objects: ["a"] })
      const { page, said } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelectorAll(".classes tbody tr").length === 2`)

      const cells = yield* Effect.promise(() =>
        page.evaluate(
          `[...document.querySelectorAll(".classes tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent))`
        )
      )

      assert.deepStrictEqual(cells, [
        ["interactive", "1", "1", "", "0", "4", "0"],
        ["batch", "1", "0", "1", "1", "1", "0"]
      ])
      assert.strictEqual(
        yield* Effect.promise(() => page.textContent(".classes h3")),
        "2 classes of borrowers"
      )
      assert.deepStrictEqual(said, [])
      yield* Fiber.interrupt(waits)
    }))
})
