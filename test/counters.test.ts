/** What is left of a limit, counted in each way, beside the same counted the long way. */
import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import { Bucket } from "../src/internal/structures/counters/bucket.ts"
import type { Counter } from "../src/internal/structures/counters/counter.ts"
import { Sliding } from "../src/internal/structures/counters/sliding.ts"
import { Fixed, Reset } from "../src/internal/structures/counters/windows.ts"

/** Random numbers that are the same each time. */
const random = (seed: number) => (below: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor(seed / 2 ** 32 * below)
}

interface Take {
  readonly at: number
  amount: number
}

/** A sliding window, the long way. */
const long = (limit: number, per: number, takes: ReadonlyArray<Take>) => {
  const left = (now: number) => limit - takes.reduce((sum, { amount, at }) => at + per > now ? sum + amount : sum, 0)
  const opensAt = (now: number) =>
    [now, ...takes.map(({ at }) => at + per).filter((end) => end > now).toSorted((a, b) => a - b)]
      .find((end) => left(end) > 0)
  return { left, opensAt }
}

describe("a sliding window", () => {
  it("has left what no stretch of its length has taken, opens and is full when the long way says so", () => {
    for (let seed = 0; seed < 200; seed++) {
      const below = random(seed)
      const [limit, per] = [1 + below(20), 10 + below(1000)]
      const window = new Sliding(limit, per)
      const takes: Array<Take> = []
      const model = long(limit, per, takes)
      let now = below(1_000_000)
      for (let step = 0; step < 200; step++) {
        now += below(3) === 0 ? below(2 * per) : below(1 + per / limit)
        assert.strictEqual(window.left(now), model.left(now))
        assert.strictEqual(window.opensAt(now), model.opensAt(now))
        const counting = takes.filter(({ amount }) => amount > 0)
        assert.strictEqual(window.fullAt(now), Math.max(now, ...counting.map(({ at }) => at + per)))
        if (below(4) > 0) {
          const amount = below(5) === 0 ? below(2 * limit) : 1
          window.take(amount, now)
          takes.push({ at: now, amount })
        } else if (takes.length > 0) {
          const take = takes[takes.length - 1 - below(Math.min(3, takes.length))]!
          if (takes.filter(({ at }) => at === take.at).length > 1) continue
          const back = below(take.amount + 1)
          window.giveBack(back, take.at, now)
          take.amount -= back
        }
      }
    }
  })

  it("of very many takes errs on the safe side, by a thousandth of its length, and keeps no more than some thousands", () => {
    const [limit, per] = [1_000_000, 60_000]
    const window = new Sliding(limit, per)
    const takes: Array<Take> = []
    const model = long(limit, per, takes)
    let now = 1000
    for (let i = 0; i < 30_000; i++) {
      now += 3.7
      window.take(2, now)
      takes.push({ at: now, amount: 2 })
      if (i % 1000 !== 0) continue
      const left = window.left(now)
      assert.isAtMost(left, model.left(now))
      // those count for no longer that ended a thousandth of the window ago
      assert.isAtLeast(left, model.left(now - per / 1000) - 2 * (per / 1000 / 3.7 + 1))
    }
    assert.isBelow(JSON.stringify(window).length, 300_000)
    assert.strictEqual(window.left(now + per), limit)
    assert.strictEqual(window.opensAt(now + per), now + per)
  })

  it("takes less than 16 bytes for each lease that it counts, however many there are, and gives room back", () => {
    const bytes = (window: Sliding): number => {
      const { amounts, ends } = window as unknown as Record<"amounts" | "ends", ArrayBufferView>
      return amounts.byteLength + ends.byteLength
    }
    const window = new Sliding(1e9, 60_000)
    let now = 0
    for (let n = 1; n <= 30_000; n++) {
      window.take(1 + n % 7, now++)
      // some are there before the first is
      assert.isBelow(bytes(window), Math.max(16 * n, 64) + 64, `${n} leases`)
      // with more than 10 000 no more are kept apart
      assert.isBelow(bytes(window), 160_000)
    }
    assert.strictEqual(window.left(now + 60_000), 1e9)
    for (let i = 1; i < 10; i++) window.take(1, now + i * 60_000)
    assert.isBelow(bytes(window), 1000)
  })

  it("counts amounts that are no whole numbers as exactly as those that are", () => {
    const window = new Sliding(1000, 1000)
    for (let i = 0; i < 100; i++) window.take(1 + i, i)
    window.take(0.1, 100)
    window.take(16_777_217, 101)
    window.giveBack(16_777_000, 101, 101)
    assert.approximately(window.left(1050), 1000 - 0.1 - 217 - (100 * 101 / 2 - 51 * 52 / 2), 1e-6)
    assert.approximately(window.left(1099), 1000 - 0.1 - 217, 1e-6)
    assert.strictEqual(window.left(1101), 1000)
  })

  it("gives nothing back of what was taken too long ago, nor more than was taken then", () => {
    const window = new Sliding(10, 100)
    window.take(4, 0)
    window.take(5, 50)
    window.giveBack(4, 0, 100)
    assert.strictEqual(window.left(100), 5)
    window.giveBack(100, 50, 100)
    assert.strictEqual(window.left(100), 10)
  })
})

describe("a bucket", () => {
  it("is refilled evenly, lends whole units, and goes into debt", () => {
    const bucket = new Bucket(4, 1000)
    for (let i = 4; i > 0; i--) {
      assert.strictEqual(bucket.left(0), i)
      bucket.take(1, 0)
    }
    assert.deepStrictEqual([bucket.left(0), bucket.opensAt(0), bucket.fullAt(0)], [0, 250, 1000])
    assert.deepStrictEqual([bucket.left(249), bucket.left(250)], [0, 1])
    bucket.take(3, 250)
    assert.deepStrictEqual([bucket.left(250), bucket.opensAt(250), bucket.fullAt(250)], [-2, 1000, 1750])
    bucket.giveBack(100, 250, 250)
    assert.strictEqual(bucket.left(250), 4)
  })

  it("lends as much as it is refilled with, however often it is asked", () => {
    const bucket = new Bucket(60, 60_000)
    let taken = 0
    for (let now = 0; now <= 600_000; now = Math.max(now + 1, bucket.opensAt(now))) {
      if (bucket.left(now) <= 0) continue
      bucket.take(1, now)
      taken++
    }
    // all of it at first, and one a second
    assert.isAtLeast(taken, 659)
    assert.isAtMost(taken, 660)
  })
})

describe("a window of a fixed length", () => {
  it("begins with the first take after the last one has ended", () => {
    const window = new Fixed(2, 100)
    assert.strictEqual(window.left(5), 2)
    window.take(1, 10)
    window.take(3, 109)
    assert.deepStrictEqual([window.left(109), window.opensAt(109), window.fullAt(109)], [-2, 110, 110])
    assert.strictEqual(window.left(110), 2)
    window.take(1, 150)
    assert.deepStrictEqual([window.left(249), window.left(250)], [1, 2])
    window.take(1, 260)
    window.giveBack(1, 150, 260)
    assert.strictEqual(window.left(260), 1)
    window.giveBack(1, 260, 261)
    assert.strictEqual(window.left(261), 2)
  })
})

describe("a limit that is reset at moments", () => {
  const zone = "Europe/Berlin"
  const midnight = Cron.parseUnsafe("0 0 * * *", zone)
  const at = (text: string): number => Date.parse(text)
  const daily = () => new Reset(2, (after) => Cron.next(midnight, new Date(after)).getTime())

  it("is whole again at each of them, also where a day has 23 hours", () => {
    const window = daily()
    window.take(2, at("2026-03-28T23:30:00Z"))
    // half past midnight in Berlin; the day ends an hour early
    assert.strictEqual(window.opensAt(at("2026-03-28T23:30:00Z")), at("2026-03-29T22:00:00Z"))
    assert.strictEqual(window.left(at("2026-03-29T21:59:59Z")), 0)
    assert.strictEqual(window.left(at("2026-03-29T22:00:00Z")), 2)
  })

  it("is reset once, though the wall clock be set back over the moment", () => {
    const window = daily()
    window.take(2, at("2026-06-01T21:50:00Z"))
    window.take(2, at("2026-06-01T22:10:00Z"))
    assert.strictEqual(window.left(at("2026-06-01T21:30:00Z")), 0)
    assert.strictEqual(window.opensAt(at("2026-06-01T21:30:00Z")), at("2026-06-02T22:00:00Z"))
  })
})

describe("what a server has said", () => {
  const counters: Record<string, (limit: number, per: number) => Counter> = {
    "a sliding window": (limit, per) => new Sliding(limit, per),
    "a bucket": (limit, per) => new Bucket(limit, per),
    "a fixed window": (limit, per) => new Fixed(limit, per),
    "a reset": (limit, per) => new Reset(limit, (after) => after + per)
  }
  for (const [name, make] of Object.entries(counters)) {
    it(`replaces what was counted, until the time it was said for: ${name}`, () => {
      const counter = make(10, 1000)
      counter.take(9, 100)
      assert.isTrue(counter.report({ left: 3, until: 700 }, 200))
      assert.strictEqual(counter.left(200), 3)
      counter.take(3, 200)
      assert.isAtMost(counter.left(200), 0)
      // what it says of a time that is over, or older than what it has said, is dropped
      assert.isFalse(counter.report({ left: 10, until: 200 }, 210))
      assert.isFalse(counter.report({ left: 10, until: 600 }, 210))
      assert.isAtMost(counter.left(210), 0)
      assert.isTrue(counter.report({ left: 0, until: 900 }, 220))
      assert.isAtMost(counter.left(220), 0)
      assert.isAtMost(counter.opensAt(220), 900)
      assert.strictEqual(counter.left(900), 10)
      assert.strictEqual(counter.fullAt(900), 900)
    })
  }
})
