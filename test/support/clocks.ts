/**
 * Clocks for a pool to be built with: one that counts its timers, one whose wall time can be set without time passing,
 * one that goes on while no timer does, one for which every reading takes time.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"

/** A moment in milliseconds: on the clock of a test, since it began. */
export const at = (moment: DateTime.Utc | undefined) => moment && DateTime.toEpochMillis(moment)

/**
 * Runs a body in which very much happens as the clock of the test goes on. By itself that waits a second of real time for what
 * it has woken, and goes on without it then: on a busy machine, that is not enough.
 */
export const unhurried = <A, E>(body: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> =>
  Effect.provide(Effect.scoped(body), TestClock.layer({ warningDelay: "4 minutes" }))

/** A clock that is another one, but for these parts. */
export const but = (clock: Clock.Clock, parts: Partial<Clock.Clock>): Clock.Clock =>
  Object.assign(Object.create(clock), parts)

/** Counts of what sleeps on a clock. */
const sleepers = () => {
  const counts = { sleeps: 0, sleeping: 0, most: 0 }
  const on = (clock: Clock.Clock): Clock.Clock =>
    but(clock, {
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
    })
  return { counts, on }
}

/** The clock of the test, which counts how often it was slept on, and how many sleep at once. */
export const counting = Effect.map(Clock.Clock, (clock) => {
  const { counts, on } = sleepers()
  return { clock: on(clock), counts }
})

/** The same counts, of what is built within. */
export const timers = () => {
  const { counts, on } = sleepers()
  return {
    counts,
    within: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.updateService(effect, Clock.Clock, on)
  }
}

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
