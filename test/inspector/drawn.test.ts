/** How lines are drawn in a terminal, and in which order things are told. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Frame } from "../../src/internal/inspection/frame.ts"
import { Story } from "../../src/internal/inspection/terminal.ts"
import { make } from "../support/borrowers.ts"
import { looking } from "../support/inspector.ts"

const frame: Frame = {
  at: 1_700_000_000_000,
  full: true,
  actions: false,
  pools: [1],
  more: 0,
  troubles: [],
  changed: [{
    id: 1,
    name: "shown",
    life: "Open",
    suspended: false,
    sharing: 1,
    makes: false,
    detects: false,
    stats: { size: 1, min: 0, making: 0, leases: 0, waiting: 0 } as Frame["changed"][0]["stats"],
    overdue: 0,
    objects: { rows: [[1, "A", 0, 0, [], 0, 0, "", 0]], beyond: 0 },
    waiters: [],
    limited: false,
    allowances: [],
    moreAllowances: 0,
    back: []
  }],
  seconds: [],
  events: []
}

/** What is drawn of a pool of that name. */
const drawn = (name: string, columns: number, rows = 9, more: Partial<Frame["changed"][0]> = {}) => {
  const story = new Story()
  story.take({ ...frame, changed: [{ ...frame.changed[0]!, name, ...more }] })
  return story.lines({ url: "http://127.0.0.1/pools", columns, rows, colour: false, note: "" })
}

/** The line that begins with a name. */
const line = (name: string, columns: number) => drawn(name, columns)[3]!

describe("a line of a terminal", () => {
  it("names the processes that borrow, what each has, and since when, of a pool from which they can", () => {
    const since = frame.at - 90_000
    const borrowing = (more: Partial<Frame["changed"][0]>) =>
      drawn("shared", 200, 9, more).filter((text) => text.startsWith("  borrowers "))

    assert.deepStrictEqual(borrowing({}), [])
    assert.deepStrictEqual(borrowing({ borrowers: [], moreBorrowers: 0 }), ["  borrowers none"])
    assert.deepStrictEqual(
      borrowing({
        borrowers: [["worker one on a machine", 2, 1, since], ["worker two", 0, 0, frame.at]],
        moreBorrowers: 3
      }),
      [
        "  borrowers worker one on a machine: 2 leases, 1 waiting, for 90 s; worker two: 0 leases, for 0 ms; 3 processes more"
      ]
    )
  })

  it("that is cut says so with its last sign, and one that just fits does not", () => {
    const whole = line("sessions", 200)

    assert.strictEqual(line("sessions", whole.length), whole)
    assert.strictEqual(line("sessions", whole.length - 1), `${whole.slice(0, -2)}…`)
    assert.strictEqual(line("sessions", 1), "…")
  })

  it("takes no more columns than there are, of whichever alphabet", () => {
    // each is one character, and takes so many columns
    const columns = {
      "漢": 2,
      "ｱ": 1,
      "Ａ": 2,
      "한": 2,
      "\u1112\u1161\u11ab": 2,
      "ก\u0e33": 2,
      "क\u093f": 2,
      "e\u0301": 1
    }
    for (const [character, width] of Object.entries(columns)) {
      const shown = line(character.repeat(60), 21)
      const fitting = Math.floor(20 / width)
      assert.strictEqual(shown, `${character.repeat(fitting)}…`, character)
    }
  })

  it("cuts no character in two: neither a picture of several signs, nor a letter with its marks", () => {
    for (const character of ["👩\u200d💻", "🇪🇺", "❤\ufe0f", "👍🏽", "a\u0308\u0323", "नि"]) {
      for (let columns = 1; columns < 30; columns++) {
        const shown = line(character.repeat(40), columns).replace(/…$/, "")
        assert.strictEqual(shown.replaceAll(character, ""), "", `${character} in ${columns}`)
      }
    }
  })

  it("shows what joins the signs of a picture, or parts letters, and takes it out elsewhere", () => {
    assert.include(line("👩\u200d💻", 200), "👩\u200d💻")
    assert.include(line("نامه\u200cای", 200), "نامه\u200cای")
    assert.include(line("a\u200b\u200d \u200c", 200), "a�� �")
  })

  it("of a pool with many marks on one sign shows a few", () => {
    assert.isBelow(line(`a${"\u0301".repeat(150)}`, 80).length, 90)
  })
})

describe("a screen", () => {
  it("that has no room for all lines says how many there are more", () => {
    const all = drawn("x", 80, 100)
    const last = (rows: number) => drawn("x", 80, rows).at(-1)

    assert.strictEqual(last(all.length), all.at(-1))
    assert.strictEqual(drawn("x", 80, all.length - 1).length, all.length - 1)
    assert.strictEqual(last(all.length - 1), "… 2 lines more")
    assert.strictEqual(last(1), `… ${all.length} lines more`)
  })
})

describe("events", () => {
  it.effect("of several pools are told in the order in which they have happened", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* make({ name: "a", objects: ["x"] }), yield* make({ name: "b", objects: ["y"] })]
      const { frame } = yield* looking()
      yield* frame
      for (let i = 0; i < 60; i++) {
        // each is woken when it has something to tell, and reads again after a while
        yield* (i % 3 === 0 ? b : a).with(() => Effect.void)
        yield* TestClock.adjust(7)
      }
      yield* TestClock.adjust(250)

      const told = (yield* frame).events
      assert.isAbove(told.filter(([, pool]) => pool === told[0]![1]).length, 20)
      assert.isAbove(told.filter(([, pool]) => pool !== told[0]![1]).length, 20)
      const times = told.map(([, , at]) => at)
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
      assert.deepStrictEqual(told.map(([seq]) => seq), told.map(([seq]) => seq).toSorted((a, b) => a - b))
    }))
})
