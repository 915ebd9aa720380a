/**
 * Random clients of a pool whose objects have limits: allowances, verdicts, facets, failover, preferences; callbacks that use
 * the pool amid that.
 */
import { describe, it } from "@effect/vitest"
import { runSeeds, seconds, seeds } from "./run.ts"

describe("fuzz: limits", () => {
  it(
    `a pool keeps its promises, whatever its objects are allowed: ${seeds}`,
    () => runSeeds("limits"),
    1000 * (seconds + 600)
  )
})
