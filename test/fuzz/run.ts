/**
 * Seeds, one after the other; of one that fails, the least that fails so.
 *
 * `FUZZ_SECONDS`: how long each kind is played, instead of a few fixed seeds; `FUZZ_SEED`: the first seed; `FUZZ_RUNS`:
 * how many at most; `FUZZ_SHRINK=no`: what fails is not made smaller.
 */
import type { Broken } from "./judge.ts"
import { realTime } from "./loop.ts"
import { type Kind, plain, print, type Scenario, scenario, type Setup } from "./scenario.ts"
import { play } from "./world.ts"

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)

export const seconds = number("FUZZ_SECONDS", 0)
const first = number("FUZZ_SEED", 1)
const runs = number("FUZZ_RUNS", seconds > 0 ? Infinity : 60)

type Tree = Scenario | ReadonlyArray<unknown> | Readonly<Record<string, unknown>>

const optional = [
  "timeout",
  "kind",
  "leaseTimeout",
  "interrupt",
  "again",
  "facet",
  "cost",
  "prefer",
  "affinity",
  "failover"
]

/** Every scenario that is a little less: without parts of a list, or an optional field of an operation. */
function* less(tree: unknown): Generator<unknown> {
  if (Array.isArray(tree)) {
    for (let size = Math.ceil(tree.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < tree.length; at += size) yield tree.filter((_, i) => i < at || i >= at + size)
    }
    for (const [i, each] of tree.entries()) for (const one of less(each)) yield tree.with(i, one)
  } else if (typeof tree === "object" && tree !== null) {
    for (const [key, value] of Object.entries(tree)) {
      if (optional.includes(key) && value !== undefined) {
        yield { ...tree, [key]: undefined }
      }
      if (key === "awaited" && value !== "no") yield { ...tree, [key]: "no" }
      if (key === "within" && value === true) yield { ...tree, [key]: false }
      if (key === "priority" && value !== 0) yield { ...tree, [key]: 0 }
      if (key === "nth" && (value as number) > 1) yield { ...tree, [key]: 1 }
      if (key !== "setup") { for (const one of less(value)) yield { ...tree, [key]: one } }
    }
  }
}

function* simpler(whole: Scenario): Generator<Scenario> {
  for (const key of Object.keys(plain) as Array<keyof Setup>) {
    if (whole.setup[key] !== plain[key]) yield { ...whole, setup: { ...whole.setup, [key]: plain[key] } }
  }
  yield* less(whole as Tree) as Generator<Scenario>
}

const shrink = async (whole: Scenario, broken: Broken): Promise<{ smallest: Scenario; found: Broken }> => {
  let smallest = whole
  let found = broken
  for (let smaller = true; smaller;) {
    smaller = false
    for (const candidate of simpler(smallest)) {
      const again = await play(candidate)
      if (again?.rule !== broken.rule) continue
      smallest = candidate
      found = again
      smaller = true
      break
    }
  }
  return { smallest, found }
}

/** Plays one seed; a failure says what is the least that fails so. */
const runSeed = async (kind: Kind, seed: number): Promise<void> => {
  const whole = scenario(kind, seed)
  const broken = await play(whole)
  if (broken === undefined) return
  const repeat = `(FUZZ_SEED=${seed} FUZZ_RUNS=1 npm run test:fuzz)`
  if (process.env["FUZZ_SHRINK"] === "no") throw new Error(`${broken.message}\n${repeat}`)
  const { found, smallest } = await shrink(whole, broken)
  throw new Error(`${found.message}\n${print(smallest)}\n${repeat}`)
}

export const seeds = seconds > 0 ? `seeds from ${first}, for ${seconds} s` : `seeds ${first} to ${first + runs - 1}`

/** Plays one seed after the other; the first that fails ends it. */
export const runSeeds = async (kind: Kind): Promise<void> => {
  const until = seconds > 0 ? realTime() + 1000 * seconds : Infinity
  for (let seed = first; seed < first + runs && realTime() < until; seed++) await runSeed(kind, seed)
}
