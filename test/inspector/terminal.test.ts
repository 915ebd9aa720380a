import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../../src/index.ts"
import { Histogram } from "../../src/internal/structures/histogram.ts"
import { start } from "../support/borrowers.ts"
import { command, looking, onScreen, serve } from "../support/inspector.ts"

describe("the terminal", () => {
  it.live("it prints what the page shows", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "printed", objects: ["a", "b", "c"] })
      yield* pool.borrow
      const { url } = yield* serve()

      const { code, stderr, stdout } = yield* command(url, "--once")

      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /✓ All is well: 1 pool, 3 objects, 1 lease/)
      assert.match(stdout, /printed {2}open {2}3 objects {2}A 2 available {2}B 1 borrowed/)
      assert.match(stdout, /^ {2}[AB]{3}$/m)
    }))

  it.live("it says what is wrong with an address", () =>
    Effect.gen(function*() {
      const { url } = yield* serve()

      const nobody = yield* command("http://127.0.0.1:9/pools", "--once")
      const elsewhere = yield* command(`${url}/elsewhere`, "--once")

      assert.deepStrictEqual([nobody.code, elsewhere.code], [1, 1])
      assert.match(nobody.stderr, /^No inspector at http:\/\/127\.0\.0\.1:9\/pools/)
      assert.match(elsewhere.stderr, /the server answers 404/)
    }))

  it.effect("no line is longer than the terminal, and none moves its cursor, whatever a pool is called", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({
        name: `\x1b[2J${"x".repeat(300)}\n`,
        objects: Array.from({ length: 3000 }, (_, i) => i)
      })
      const { url } = yield* serve()
      const { fiber, lines, until } = yield* onScreen(url, { columns: 60, rows: 12 })
      yield* until(() => lines().length > 0)
      yield* Fiber.interrupt(fiber)

      assert.isAtMost(lines().length, 12)
      // oxlint-disable-next-line no-control-regex
      for (const line of lines()) assert.notMatch(line, /[\x00-\x1f]/)
      assert.isAtMost(Math.max(...lines().map((line) => Array.from(line).length)), 60)
      assert.include(lines().join("\n"), "one letter for 18 objects")
    }))
})

/** What is shown of the failures of a factory. */
const shown = Effect.fnUntraced(function*(failures: ReadonlyArray<unknown>) {
  const left = [...failures]
  const pool = yield* ObjectPool.make({
    name: "failing",
    acquire: Effect.suspend(() => Effect.fail(left.shift())),
    size: { max: 1 },
    creation: { retry: Schedule.recurs(0) }
  })
  const { frame } = yield* looking()
  yield* frame
  while (left.length > 0) {
    yield* start(Effect.exit(Effect.scoped(pool.borrow)))
    yield* TestClock.adjust("1 minute")
    // else nobody would have looked for long
    yield* frame
  }
  return (yield* frame).events.filter((row) => row[3] === "AcquireFailed").map((row) =>
    row[6].replace(/, after .*/, "")
  )
})

describe("the parts", () => {
  it("quantiles are exact up to 16 ms, and within an eighth above", () => {
    const histogram = new Histogram()
    for (let i = 1; i <= 1000; i++) histogram.add(i)

    assert.approximately(histogram.quantile(0.5), 500, 500 / 8)
    assert.approximately(histogram.quantile(0.99), 990, 990 / 8)
    assert.strictEqual(new Histogram().quantile(0.5), -1)
    const small = new Histogram()
    small.add(3, 9)
    small.add(12)
    assert.deepStrictEqual([small.quantile(0.5), small.quantile(0.99)], [3, 12])
  })

  it.effect("a failure is called by its code, wherever that is, else by its tag or its name", () =>
    Effect.gen(function*() {
      class Tagged {
        readonly _tag = "CannotConnect"
        readonly cause = Object.assign(new Error("secret"), { code: "ECONNRESET" })
      }

      assert.deepStrictEqual(
        yield* shown([
          new Tagged(),
          { _tag: "CannotConnect", reason: "secret" },
          new TypeError("secret"),
          { code: "a secret with spaces" },
          "secret",
          undefined,
          null
        ]),
        ["ECONNRESET", "CannotConnect", "TypeError", "an object", "string", "undefined", "null"]
      )
    }))

  it.effect("a code is shown if it is a number or a word of a program; whatever else it is stays in the process", () =>
    Effect.gen(function*() {
      const words = [
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "42P01",
        "P2002",
        "not_found",
        "NotFound"
      ]
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      const throwing = {
        _tag: "Throws",
        get code() {
          throw new Error("secret")
        }
      }

      assert.deepStrictEqual(
        yield* shown([
          ...words,
          14,
          "postgres://user:pw@host/db",
          "user:pw",
          "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
          "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
          "eyJhbGciOi.J9",
          "A".repeat(41),
          "",
          0.1,
          Number.NaN,
          { secret: 1 },
          ["secret"]
        ].map((code) => ({ _tag: "Tag", code }))),
        [
          ...words,
          "code 14",
          ...Array.from({ length: 11 }, () => "Tag")
        ]
      )
      assert.deepStrictEqual(
        yield* shown([{ _tag: "user:pw@host" }, { name: "user:pw" }, throwing, proxy]),
        ["an object", "an object", "an object", "an object"]
      )
    }))
})
