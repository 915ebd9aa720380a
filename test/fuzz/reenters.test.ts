/**
 * Random callbacks that use the pool which calls them, in the middle of its steps: they interrupt whom it serves, take out
 * what it lends, close it.
 */
import { describe, it } from "@effect/vitest"
import { runSeeds, seconds, seeds } from "./run.ts"

describe("fuzz: reenters", () => {
  it(
    `a pool keeps its promises, whatever its callbacks do to it: ${seeds}`,
    () => runSeeds("reenters"),
    1000 * (seconds + 600)
  )
})
