/**
 * Clocks for a pool to be built with: one that counts its timers, one whose wall time can be set without time passing.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** The clock of the test, which counts how often it was slept on, and how many sleep at once. */
export const counting = Effect.map(Clock.Clock, (clock) => {
  const counts = { sleeps: 0, sleeping: 0, most: 0 }
  const counted: Clock.Clock = {
    ...clock,
    sleep: (duration) =>
      Effect.suspend(() => {
        counts.sleeps++
        counts.sleeping++
        counts.most = Math.max(counts.most, counts.sleeping)
        return Effect.ensuring(
          clock.sleep(duration),
          Effect.sync(() => {
            counts.sleeping--
          })
        )
      })
  }
  return { clock: counted, counts }
})

/** The clock of the test, whose wall time is off by `skew.millis`. */
export const skewed = Effect.map(Clock.Clock, (clock) => {
  const skew = { millis: 0 }
  const shown: Clock.Clock = { ...clock, currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + skew.millis }
  return { clock: shown, skew }
})
