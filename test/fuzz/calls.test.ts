/**
 * Random clients of a pool with random options: small budgets of the scheduler, late timers, interruptions at any yield.
 */
import { describe, it } from "@effect/vitest"
import { runSeeds, seconds, seeds } from "./run.ts"

describe("fuzz: calls", () => {
  it(
    `a pool keeps its promises, whatever its clients do: ${seeds}`,
    () => runSeeds("calls"),
    1000 * (seconds + 600)
  )
})
