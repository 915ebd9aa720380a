/**
 * How long attempts wait for each other: those of one waiter whose objects were refused, those of the whole pool while
 * nothing can be made, those to fill the minimum.
 */
import type { Core } from "../state/core.ts"
import { askSelector, lookAt } from "../state/notes.ts"
import { Pace } from "../state/pace.ts"
import type { Waiter } from "../state/waiters.ts"
import { make as makeDeadline } from "../structures/deadlines.ts"

/** Does a waiter wait a while, after three refusals, before another object is made or prepared for it? */
export const backsOff = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.trouble !== undefined && waiter.trouble.backsOffUntil !== -Infinity &&
  core.deadlines.now() < waiter.trouble.backsOffUntil

/** How long the next attempt waits after some failures in a row: 100 millis, doubling to `most`. */
const backOffFor = (failures: number, most = 30_000): number => Math.min(100 * 2 ** (failures - 1), most)

/** How long one turn of attempts waits at most, where no schedule says so. In milliseconds. */
export const longestTurn = 1000

export const waitForTurn = <A, D>(core: Core<A, D>, millis: number): void => {
  core.retry.waits = true
  core.deadlines.set(core.retry.next, core.deadlines.now() + millis)
}

/** An attempt has failed for good: from now on there is one a turn. A turn takes 100 millis, doubling to a second. */
export const backOff = <A, D>(core: Core<A, D>): void => {
  core.retry.failing = true
  waitForTurn(core, backOffFor(++core.retry.turns, longestTurn))
}

/** The minimum could not be refilled: one step of the back-off for each round of attempts, however many of them fail. */
export const refillFailed = <A, D>(core: Core<A, D>): void => {
  if (core.refill.deadline.index !== -1) return
  core.refill.failures++
  core.deadlines.set(core.refill.deadline, core.deadlines.now() + backOffFor(core.refill.failures))
}

/**
 * A fresh object was refused by the detector. After the third, the waiter has the next one made only after a while: as
 * `creation.retry` says, where that is given and not done yet, else after 100 millis, doubling to 30 seconds.
 */
export const noteRefusal = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const trouble = waiter.troubled
  trouble.refused++
  if (trouble.refused < 3) return
  const { retry } = core.options.creation
  const usual = backOffFor(trouble.refused - 2)
  if (retry === undefined) return pause(core, waiter, usual)
  // until the schedule has answered
  trouble.backsOffUntil = Infinity
  trouble.pace ??= new Pace(retry)
  trouble.pace.next(core, trouble.lastFailure, (delay) => pause(core, waiter, delay ?? usual))
}

const pause = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, millis: number): void => {
  const trouble = waiter.troubled
  trouble.backsOffUntil = core.deadlines.now() + millis
  pauseOn(core, waiter)
}

/** A waiter waits a while, perhaps again in its place in the queue. */
export const pauseOn = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const { trouble } = waiter
  if (waiter.lane === undefined || trouble === undefined || !Number.isFinite(trouble.backsOffUntil)) return
  trouble.backingOff ??= makeDeadline(() => {
    core.waiters.lookAgain(waiter)
    askSelector(core)
    lookAt(core, waiter)
  })
  core.deadlines.set(trouble.backingOff, trouble.backsOffUntil)
}
