/**
 * Interruption sweeps: one scenario, interrupted in every window.
 */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"

/** `SWEEP=thin`: a tenth of the windows, where the tests are run many times over. */
const thin = process.env["SWEEP"] === "thin"

/** 1 and 2 operations before a yield make no progress in effect 4.1. */
const ops = thin ? [3, 5, 9, 64] : [3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 32, 48, 64]
const mostTurns = thin ? 15 : 40

/** Where a sweep is: for the message of an assertion that fails. */
export interface Window {
  readonly ops: number
  readonly yields: number
  /**
   * Lets the fiber go on for so many turns, then interrupts it, and waits until it has ended. One that has ended before
   * is not interrupted any more: more turns would play the same again, so that this window is the last.
   */
  readonly interrupt: <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.Effect<void>
  readonly toString: () => string
}

/**
 * Runs a scenario in every window: with the fibers yielding after 3 to 64 operations, interrupting after 0 to 40 turns, as
 * long as there is anything to interrupt. The scenario builds its own pool, forks what is interrupted, calls
 * `window.interrupt`, and asserts.
 */
export const sweep = <E, R>(
  scenario: (window: Window) => Effect.Effect<unknown, E, R>,
  piece: ReadonlyArray<number> = ops
): Effect.Effect<void, E, R> => Effect.forEach(piece, (maxOps) => sweepTurns(scenario, maxOps), { discard: true })

/** The windows of one number of operations: later and later, until what is interrupted has ended by itself. */
const sweepTurns = <E, R>(scenario: (window: Window) => Effect.Effect<unknown, E, R>, maxOps: number) =>
  Effect.gen(function*() {
    let over = false
    for (let turns = 0; turns <= mostTurns && !over; turns++) {
      yield* scenario({
        ops: maxOps,
        yields: turns,
        interrupt: (fiber) =>
          Effect.andThen(
            Effect.repeat(Effect.yieldNow, { times: turns }),
            () => {
              over = fiber.pollUnsafe() !== undefined
              return Fiber.interrupt(fiber)
            }
          ),
        toString: () => `ops ${maxOps}, yields ${turns}`
      })
    }
  }).pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, maxOps))

/** The numbers of operations, in pieces. */
const pieces = thin ? [ops] : [ops.slice(0, 4), ops.slice(4, 8), ops.slice(8, 12), ops.slice(12)]

/** Tests of a scenario in every window, in pieces: each is a test of its own, which takes some seconds at most. */
export const sweepInPieces = (title: string, scenario: (window: Window) => Effect.Effect<unknown, unknown>): void => {
  for (const piece of pieces) {
    const windows = `yielding after ${piece[0]} to ${piece.at(-1)} operations`
    it.effect(`${title}, ${windows}`, () => sweep(scenario, piece))
  }
}
