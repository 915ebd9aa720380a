/**
 * Closing a pool: `Open`, then `Closing` until nothing is left, then `Closed`.
 *
 * Waiters fail at once, or are served first; free objects are destroyed at once; open leases have `closing.timeout`, then
 * they are revoked; work that does not end although it was interrupted is given up after `hookTimeout` more.
 *
 * Work on very many waiters, leases or objects is done in slices, between which other fibers get their turn. Nothing is
 * begun or granted in between: from its first moment the pool is not open, and a waiter that is not served first is not
 * served. A waiter can only leave meanwhile, by its deadline or an interruption; an object that comes back leaves at once,
 * and is passed over when its turn comes.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { cutOff } from "../lease/holding.ts"
import { evict } from "../object/leaving.ts"
import { callback, type Core, each, population, soon } from "../state/core.ts"
import { leasesOf } from "../state/entry.ts"
import { closed } from "../state/failures.ts"
import { held, nameOf } from "../state/owners.ts"
import * as Deadlines from "../structures/deadlines.ts"
import { fail } from "../waiting/outcome.ts"
import { tell } from "../watching/events.ts"
import { report } from "../watching/log.ts"

/** One kind of work on many waiters, leases or objects: each step leaves the books right. */
type Job = Iterator<() => void>

/** Closes the pool; idempotent. An interrupted caller stops waiting; the pool goes on closing. */
export const close = <A, D>(core: Core<A, D>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    begin(core, fiber)
    return hasClosed(core)
  })

/** Begins to close the pool, if nobody has. */
export const begin = <A, D>(core: Core<A, D>, fiber: Fiber.Fiber<unknown, unknown>): void => {
  const first = core.life._tag === "Open"
  if (first) beginClosing(core)
  // `close` never waits for the leases of its caller, nor ends what the caller does under them
  if (first || held(core, fiber) > 0) work(core, giveUpOwn(core, nameOf(fiber)))
  if (first) setLimit(core)
  core.destroyer.flush()
}

const giveUpOwn = function*<A, D>(core: Core<A, D>, owner: number): Generator<() => void> {
  for (const entry of core.registry.entries) {
    yield () => {
      for (const lease of leasesOf(entry)) if (lease.owner === owner) lease.close(true)
    }
  }
}

export const hasClosed = <A, D>(core: Core<A, D>): Effect.Effect<void> =>
  callback(core, (resume) => {
    const end = () => resume(Effect.void)
    if (core.life._tag === "Closed") return end()
    core.onClosed.add(end)
    return Effect.sync(() => core.onClosed.delete(end))
  })

/** Adds a job, and does it: now, as far as one slice goes. */
const work = <A, D>(core: Core<A, D>, job: Job): void => {
  if (core.life._tag !== "Closing") return
  core.life.jobs.push(job)
  // else the job that has begun is followed by this one
  if (core.life.jobs.length === 1) proceed(core)
}

/** How many steps there are between two looks at the clock, which is not read where there are few. */
const stride = 64

const proceed = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag !== "Closing") return
  const { jobs } = core.life
  // a generator that has thrown is done: it answers so when it is asked again
  const step = [() => {
    const next = jobs[0]!.next()
    if (next.done === true) jobs.shift()
    else next.value()
  }]
  let begun: number | undefined
  for (let steps = 1; jobs.length > 0; steps++) {
    each(core, step)
    if (steps % stride !== 0) continue
    const now = core.deadlines.now()
    begun ??= now
    if (now - begun >= Deadlines.slice) return soon(core, () => proceed(core))
  }
  settle(core)
}

const beginClosing = <A, D>(core: Core<A, D>): void => {
  const { timeout, waiters } = core.options.closing
  const serving = waiters === "serve" && !core.suspended && core.waiters.size > 0 && timeout > 0
  core.life = { _tag: "Closing", serving, givingUp: false, jobs: [] }
  // before anybody is told: who gives back the last lease then does not close a pool that has not been shut down
  if (!serving) core.life.jobs.push(shutDown(core))
  if (core.feed !== undefined) tell(core, { _tag: "Closing" })
  for (const watcher of core.watchers) watcher.closed()
  core.watchers.clear()
  core.deadlines.cancel(core.refill.deadline)
  if (!serving) proceed(core)
}

/** Open leases have `closing.timeout` to come back. */
const setLimit = <A, D>(core: Core<A, D>): void => {
  const { timeout } = core.options.closing
  // the pool may have closed by now, since nothing was left
  if (core.life._tag !== "Closing") return
  if (timeout === 0) timeIsUp(core)
  else core.deadlines.set(Deadlines.make(() => timeIsUp(core)), core.deadlines.now() + timeout)
}

/** Fails the waiters that are left, lets free objects leave, and interrupts creations, detections and hooks. */
const shutDown = function*<A, D>(core: Core<A, D>): Generator<() => void> {
  if (core.life._tag === "Closing") core.life.serving = false
  for (let waiter = core.waiters.first; waiter !== undefined; waiter = core.waiters.first) {
    const last = waiter
    yield () => fail(core, last, closed(core, last))
  }
  for (const fiber of core.background) yield () => fiber.interruptUnsafe()
  if (core.creator !== undefined) yield* core.creator.interruptAll()
  yield () => core.detector?.stop()
  // a Set does not visit objects that leave meanwhile; one that was made meanwhile leaves as it joins
  for (const entry of core.registry.entries) {
    yield () => {
      if (entry.detection !== undefined) core.detector!.drop(entry.detection)
      else if (entry.hook !== undefined) entry.hook.interrupt()
      else if (entry.status !== "Borrowed" && entry.status !== "Invalid") evict(core, entry, "Closed")
    }
  }
  yield () => core.destroyer.flush()
}

/** `closing.timeout` is over: the waiters that are left fail, leases that are still open are revoked. */
const timeIsUp = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag === "Closing" && core.life.serving) work(core, shutDown(core))
  work(core, revokeAll(core))
}

/** How many ids of revoked leases the log shows. */
const shown = 10

const revokeAll = function*<A, D>(core: Core<A, D>): Generator<() => void> {
  let revoked = 0
  let oldest: ReadonlyArray<number> = []
  for (const entry of core.registry.entries) {
    for (const lease of leasesOf(entry)) {
      yield () => {
        if (!lease.isOpen) return
        revoked++
        if (oldest.length < shown || lease.id < oldest.at(-1)!) {
          oldest = [...oldest, lease.id].sort((a, b) => a - b).slice(0, shown)
        }
        lease.close(false)
      }
    }
  }
  if (revoked > 0) {
    report(core, `Closing revoked ${revoked} lease(s) that were still open`, {
      annotations: { leases: `${oldest.join(", ")}${revoked > shown ? ", …" : ""}` }
    })
  }
  giveUpLater(core)
}

/** Work that has been interrupted may take its time to end, but not for ever: after `hookTimeout` it is given up. */
const giveUpLater = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag !== "Closing" || core.life.givingUp) return
  core.life.givingUp = true
  core.deadlines.set(Deadlines.make(() => work(core, abandon(core))), core.deadlines.now() + core.options.hookTimeout)
}

const abandon = function*<A, D>(core: Core<A, D>): Generator<() => void> {
  const making = core.creator?.abandonAll() ?? 0
  core.choosers.clear()
  if (making > 0) report(core, `Closing gave up ${making} object(s) that were still being made`)
  for (const entry of core.registry.entries) {
    yield () => {
      const { status } = entry
      if (status === "Invalid") return
      cutOff(core, entry)
      evict(core, entry, "Closed")
      report(core, `Closing gave up waiting for an object that was ${status}`, { entry })
    }
  }
}

/** Closes the pool for good where nothing is left. */
export const settle = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag !== "Closing" || core.life.jobs.length > 0) return
  if (core.life.serving) {
    // one who has left the queue, since all is set aside for him, has it as he is resumed
    const gathered = core.awake.some(({ aside }) => aside !== undefined && aside.size > 0)
    if (core.waiters.size === 0 && !gathered) work(core, shutDown(core))
    return
  }
  if (population(core) > 0 || core.choosers.size > 0) {
    // no lease keeps the pool open any more: what is left ends soon, or is given up
    if (core.leases === 0) giveUpLater(core)
    return
  }
  if (core.memory?.lasts === true) return
  ended(core)
}

/** The pool is closed for good. */
export const ended = <A, D>(core: Core<A, D>): void => {
  core.life = { _tag: "Closed" }
  // those of many keys are closed with the last of these
  if (core.place === undefined) {
    core.deadlines.end()
    core.moments.end()
  }
  if (core.feed !== undefined) tell(core, { _tag: "Closed" })
  each(core, core.onClosed)
}
