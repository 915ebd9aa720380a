/** Metrics of a pool with classes of borrowers. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { ObjectPool, PoolMetrics } from "../../src/index.ts"
import { ownRegistry } from "../support/telemetry.ts"

it.effect("metrics show the open leases of each class that was declared, and who waits", () =>
  ownRegistry(Effect.scoped(Effect.gen(function*() {
    const pool = yield* ObjectPool.make({ objects: ["a", "b"], classes: { people: {}, batch: { most: 1 } } })
    yield* PoolMetrics.register(pool)
    yield* pool.borrowWith({ class: "batch" })
    yield* Effect.forkChild(pool.borrowWith({ class: "batch" }), { startImmediately: true })
    yield* pool.borrow

    const shown = (yield* Metric.snapshot).flatMap(({ attributes, id, state }) =>
      id.startsWith("pool.object.class") ? [[id, attributes?.["class"], (state as { value: number }).value]] : []
    )
    assert.sameDeepMembers(shown, [
      ["pool.object.class.leases", "people", 0],
      ["pool.object.class.leases", "batch", 1],
      ["pool.object.class.pending_requests", "people", 0],
      ["pool.object.class.pending_requests", "batch", 1]
    ])
  }))))
