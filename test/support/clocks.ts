/**
 * Clocks for a pool to be built with: one that counts its timers, one whose wall time can be set without time passing,
 * one that goes on while no timer does, one for which every reading takes time.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const but = (clock: Clock.Clock, parts: Partial<Clock.Clock>): Clock.Clock => Object.assign(Object.create(clock), parts)

/** The clock of the test, which counts how often it was slept on, and how many sleep at once. */
export const counting = Effect.map(Clock.Clock, (clock) => {
  const counts = { sleeps: 0, sleeping: 0, most: 0 }
  const sleep = (duration: Duration.Duration) =>
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
  return { clock: but(clock, { sleep }), counts }
})

/** The clock of the test, whose wall time is off by `skew.millis`. */
export const skewed = Effect.map(Clock.Clock, (clock) => {
  const skew = { millis: 0 }
  const currentTimeMillisUnsafe = () => clock.currentTimeMillisUnsafe() + skew.millis
  return { clock: but(clock, { currentTimeMillisUnsafe }), skew }
})

/** The clock of the test, which can go on for `skew.millis` while no timer has its turn: as for a process that was stopped. */
export const stopped = Effect.map(Clock.Clock, (clock) => {
  const skew = { millis: 0 }
  const readings = { monotonic: 0, wall: 0 }
  const currentTimeMillisUnsafe = () => {
    readings.wall++
    return clock.currentTimeMillisUnsafe() + skew.millis
  }
  const monotonicTimeNanosUnsafe = () => {
    readings.monotonic++
    return clock.monotonicTimeNanosUnsafe() + BigInt(skew.millis * 1_000_000)
  }
  return { clock: but(clock, { currentTimeMillisUnsafe, monotonicTimeNanosUnsafe }), skew, readings }
})

/** The clock of the test, but each reading of the monotonic time takes `toll.millis`. */
export const costly = Effect.map(Clock.Clock, (clock) => {
  const toll = { millis: 0 }
  let spent = 0n
  const monotonicTimeNanosUnsafe = () => {
    spent += BigInt(toll.millis * 1_000_000)
    return clock.monotonicTimeNanosUnsafe() + spent
  }
  return { clock: but(clock, { monotonicTimeNanosUnsafe }), toll }
})
