/** Random programs by their seeds, in four tests: a failure names its seed. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const pieces = 4

/**
 * `MODEL_RUNS` says how many programs are played, `usual` where that is absent, from `MODEL_FROM` on, or 0; `MODEL_SEED`: that
 * one alone.
 */
export const playSeeds = (
  title: string,
  usual: number,
  play: (seed: number) => Effect.Effect<unknown, unknown, Scope.Scope>
): void => {
  const one = process.env["MODEL_SEED"]
  const runs = Number(process.env["MODEL_RUNS"] ?? usual)
  const first = Number(process.env["MODEL_FROM"] ?? 0)
  const seeds = one === undefined ? Array.from({ length: runs }, (_, i) => first + i) : [Number(one)]
  for (let piece = 0; piece < Math.min(pieces, seeds.length); piece++) {
    const some = seeds.filter((_, i) => i % pieces === piece)
    it.effect(`${title}, seeds ${piece} and so on`, () =>
      Effect.forEach(some, (seed) => Effect.scoped(play(seed)), { discard: true }))
  }
}
