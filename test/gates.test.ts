/**
 * The gates product: `acquire`, `detectStatus`, `onBorrow`, `onRelease` and `release` each go well, fail, take their time
 * or never end, in all combinations, and the borrower is interrupted at each step. Afterwards all goes well, and the pool
 * still serves (promises 1 to 3, 16, 19 to 22, 24, 26). A combination whose gates differ from those of another only where
 * nothing is asked would play the same again, and is left out.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import type { Lease, ObjectPool } from "../src/index.ts"
import { hold, make, named, start, state, use } from "./support/borrowers.ts"
import { balanced, type Failed, type Gate, gates, scripted, type Thing } from "./support/scripted.ts"

const max = 3

/** Where the borrower is interrupted; "never" comes first, and shows which steps there are. */
const steps = ["never", "before", "acquire", "detect", "onBorrow", "hold", "release", "onRelease"] as const
type Step = typeof steps[number]
type GateName = "acquire" | "detect" | "onBorrow" | "onRelease" | "release"

interface Case {
  readonly acquire: Gate
  readonly detect: Gate
  readonly onBorrow: Gate
  readonly onRelease: Gate
  readonly release: Gate
  readonly step: Step
  readonly how: "with" | "borrow"
}

type Pool = ObjectPool<Thing, undefined, Failed>

/** Lets time pass; the books balance all the while. */
const pass = (pool: Pool, seconds: number, step = 1) =>
  Effect.repeat(Effect.andThen(TestClock.adjust(`${step} seconds`), balanced(pool)), { times: seconds / step - 1 })

const bad = (gate: Gate): boolean => gate === "fail" || gate === "never"

/** How a borrow that is not interrupted ends. */
const expected = ({ acquire, detect, onBorrow }: Case): string =>
  acquire === "fail" ? "Failed" : acquire === "never" || bad(detect) || bad(onBorrow) ? "BorrowTimeout" : "ok"

/** Which gates of a case were asked as it was played, and which steps were reached. */
class Asked {
  readonly case: Case
  readonly gates = new Set<GateName>()
  readonly steps = new Set<Step>(["before"])
  constructor(gate: Case) {
    this.case = gate
  }
  /** A gate that is noted when it is asked. */
  readonly gate = (name: GateName) => (): Gate => {
    this.gates.add(name)
    return this.case[name]
  }
  /** Whether another case is told apart by nothing that was asked. */
  readonly settles = (other: Case): boolean =>
    other.how === this.case.how &&
    [...this.gates].every((name) => other[name] === this.case[name]) &&
    (other.step === this.case.step || this.case.step === "never" && !this.steps.has(other.step))
}

const play = (asked: Asked) =>
  Effect.gen(function*() {
    const gate = asked.case
    const world = scripted({
      acquire: asked.gate("acquire"),
      detect: asked.gate("detect"),
      onBorrow: asked.gate("onBorrow"),
      onRelease: asked.gate("onRelease"),
      release: asked.gate("release")
    })
    const reach = (step: Step): Effect.Effect<void> =>
      Effect.sync(() => {
        asked.steps.add(step)
        if (step === gate.step) borrower.interruptUnsafe()
      })
    const acquire = Effect.andThen(reach("acquire"), world.acquire)
    const pool: Pool = yield* make({
      acquire,
      detectStatus: (pooled) => Effect.andThen(reach("detect"), world.detectStatus(pooled)),
      onBorrow: () => Effect.andThen(reach("onBorrow"), world.onBorrow()),
      onRelease: () => Effect.andThen(reach("onRelease"), world.onRelease()),
      // what is Unknown stays so, until all goes well
      detection: { onBorrow: true, retry: Schedule.spaced("Infinity") },
      size: { max }
    })
    // what is given back as it is goes through `onRelease`, what is invalidated to its destruction
    const body = (lease: Lease<Thing>) =>
      Effect.all([
        gate.how === "with" ? lease.invalidate : Effect.void,
        reach("hold"),
        use()(lease),
        Effect.sleep("1 second"),
        reach("release")
      ])

    const borrower: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
      gate.how === "with" ? pool.with(body) : Effect.scoped(Effect.flatMap(pool.borrow, body))
    )
    if (gate.step === "before") borrower.interruptUnsafe()
    const bystander = yield* start(pool.with(use()))
    // what ends does so soon, or when it has run out of time
    yield* pass(pool, 10)
    yield* pass(pool, 40, 5)

    const end = state(borrower)
    if (gate.step === "before") assert.strictEqual(end, "interrupted")
    else if (gate.step === "never") assert.strictEqual(end, expected(gate))
    else assert.include([expected(gate), "interrupted"], end)
    assert.include([expected(gate), "ok"], state(bystander))
    const after = yield* balanced(pool)
    assert.deepInclude(after, { leases: 0, borrowed: 0, pending: 0, waiting: 0 })
    if (gate.acquire !== "never") assert.strictEqual(after.making, 0)

    yield* recovers(pool, world)
    yield* ends(pool, world, gate)
  }).pipe(Effect.scoped, named(JSON.stringify(asked.case)))

/** From now on all goes well: what is left of the room can be lent at once. What never ends keeps its room until then. */
const recovers = (pool: Pool, { script }: ReturnType<typeof scripted>) =>
  Effect.gen(function*() {
    script.acquire =
      script.detect =
      script.onBorrow =
      script.onRelease =
      script.release =
        "ok"
    yield* pool.detect
    const { making } = yield* balanced(pool)
    const lent = yield* Effect.forEach(Array.from({ length: max - making }), () => start(hold(pool.borrow)))
    yield* pass(pool, 1)
    assert.deepStrictEqual(lent.map(state), lent.map(() => "ok"))
    const objects = (yield* pool.leases).map(({ object }) => object)
    assert.strictEqual(new Set(objects).size, lent.length)
    for (const lease of yield* pool.leases) yield* lease.release
    assert.strictEqual((yield* balanced(pool)).available, lent.length)
  })

/** Closing ends, even where what has to end does not, and each thing was destroyed, or given up, once. */
const ends = (pool: Pool, { counts, script, things }: ReturnType<typeof scripted>, { release }: Case) =>
  Effect.gen(function*() {
    script.release = release
    const closing = yield* start(pool.close)
    yield* pass(pool, 12)
    assert.strictEqual(state(closing), "ok")
    const stats = yield* balanced(pool)
    assert.deepInclude(stats, { size: 0, making: 0, leases: 0, waiting: 0 })
    assert.strictEqual(stats.totals.made, things.length)
    assert.strictEqual(stats.totals.destroyed, things.length)
    assert.strictEqual(counts.destroying, things.length)
    assert.isTrue(things.every((thing) => thing.destroyed <= 1 && thing.users === 0))
  })

/** What happens between the making of an object and its destruction, at each step of the borrower, in both ways. */
const product = (outer: Pick<Case, "acquire" | "detect" | "release">) =>
  gates.flatMap((onBorrow) =>
    gates.flatMap((onRelease) =>
      steps.flatMap((step) =>
        (["with", "borrow"] as const).map((how): Case => ({ ...outer, onBorrow, onRelease, step, how }))
      )
    )
  )

/** Plays the cases, but for those that are settled by one that was played. */
const playAll = (cases: ReadonlyArray<Case>) =>
  Effect.gen(function*() {
    const played: Array<Asked> = []
    for (const gate of cases) {
      if (played.some((asked) => asked.settles(gate))) continue
      const asked = new Asked(gate)
      yield* play(asked)
      played.push(asked)
    }
  })

describe("a pool still serves, loses nothing and closes, whenever a borrower is interrupted, where", () => {
  for (const acquire of gates) {
    for (const detect of gates) {
      for (const release of gates) {
        it.effect(`acquire ${acquire}, detect ${detect}, release ${release}, whatever the hooks do`, () =>
          Effect.provideService(playAll(product({ acquire, detect, release })), Logger.CurrentLoggers, new Set()))
      }
    }
  }
})
