/**
 * Random commands against a pool with random options; what must hold is checked after every step (promises 1 to 8, 11
 * to 14, 17 to 21, 24 to 26).
 *
 * `MODEL_RUNS` says how many sequences are played, `MODEL_SEED` the first of them, `MODEL_LENGTH` how long they are;
 * `MODEL_SHRINK=no`: what fails is not made smaller.
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { plain, print, type Scenario, scenario, type Setup } from "./commands.ts"
import type { Broken } from "./model.ts"
import { play } from "./world.ts"

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)

const runs = number("MODEL_RUNS", 500)
const first = number("MODEL_SEED", 1)
const length = number("MODEL_LENGTH", 60)

/** Does it still break the same promise? */
const breaks = (scenario: Scenario, { rule }: Broken): Effect.Effect<Broken | undefined> =>
  Effect.map(play(scenario), (found) => found?.rule === rule ? found : undefined)

/** Removes commands, by halves and then one by one, and whatever is special of the setup, while it still breaks. */
const shrink = Effect.fnUntraced(function*(failing: Scenario, broken: Broken) {
  let smallest = failing
  let found = broken
  const attempt = Effect.fnUntraced(function*(candidate: Scenario) {
    const again = yield* breaks(candidate, broken)
    if (again === undefined) return false
    smallest = candidate
    found = again
    return true
  })
  for (let before = -1; before !== smallest.commands.length;) {
    before = smallest.commands.length
    for (let size = Math.ceil(before / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.commands.length;) {
        const commands = smallest.commands.filter((_, i) => i < at || i >= at + size)
        if (!(yield* attempt({ ...smallest, commands }))) at += size
      }
    }
    for (const key of Object.keys(plain) as Array<keyof Setup>) {
      if (smallest.setup[key] === plain[key]) continue
      yield* attempt({ ...smallest, setup: { ...smallest.setup, [key]: plain[key] } })
    }
  }
  return { smallest, found }
})

/** Plays one seed; a failure says what is the least that fails so. */
const runSeed = Effect.fnUntraced(function*(seed: number) {
  const whole = scenario(seed, length)
  const broken = yield* play(whole)
  if (broken === undefined) return
  if (process.env["MODEL_SHRINK"] === "no") throw broken
  const { found, smallest } = yield* shrink(whole, broken)
  throw new Error(`${found.message}\n${print(smallest)}\n(MODEL_SEED=${seed} MODEL_RUNS=1 MODEL_LENGTH=${length})`)
})

describe("the model", () => {
  // the first that fails ends its part
  const parts = Math.min(runs, Math.max(10, Math.ceil(runs / 100)))
  for (let part = 0; part < parts; part++) {
    const from = first + Math.floor(part * runs / parts)
    const to = first + Math.floor((part + 1) * runs / parts)
    it.live(
      `whatever is done to a pool, it keeps its promises: seeds ${from} to ${to - 1}`,
      () => Effect.forEach(Array.from({ length: to - from }, (_, i) => from + i), runSeed, { discard: true }),
      3_600_000
    )
  }
})
