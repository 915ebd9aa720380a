/**
 * Closing a pool: `Open`, then `Closing` until nothing is left, then `Closed`.
 *
 * Waiters fail at once, or are served first; what is free is destroyed at once; open leases have `closing.timeout`, then
 * they are revoked; what does not end although it was interrupted is given up after `hookTimeout` more.
 */
import * as Effect from "effect/Effect"
import { closed, type Core, each, leases, leasesHeld, population, report, suspended } from "./core.ts"
import * as Deadlines from "./deadlines.ts"
import { tell } from "./events.ts"
import { cutOff, evict } from "./leaving.ts"
import { fail } from "./serving.ts"

/** Idempotent. An interrupted caller stops waiting; the pool goes on closing. */
export const close = <A, D>(core: Core<A, D>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    if (core.life._tag === "Open") begin(core)
    // never waits for the leases of the caller itself
    for (const lease of leasesHeld(core, fiber)) lease.close(true)
    core.destroyer.flush()
    return hasClosed(core)
  })

const hasClosed = <A, D>(core: Core<A, D>): Effect.Effect<void> =>
  suspended(core, (resume) => {
    const end = () => resume(Effect.void)
    if (core.life._tag === "Closed") return end()
    core.onClosed.add(end)
    return Effect.sync(() => core.onClosed.delete(end))
  })

const begin = <A, D>(core: Core<A, D>): void => {
  const { closingTimeout, servesOnClose } = core.options
  const serving = servesOnClose && !core.suspended && core.waiters.size > 0 && closingTimeout > 0
  core.life = { _tag: "Closing", serving, givingUp: false }
  if (core.feed !== undefined) tell(core, { _tag: "Closing" })
  for (const watcher of core.watchers) watcher.closed()
  core.watchers.clear()
  core.deadlines.cancel(core.refill.deadline)
  if (!serving) shutDown(core)
  // nothing was left, perhaps
  if (core.life._tag !== "Closing") return
  if (closingTimeout === 0) timeIsUp(core)
  else core.deadlines.set(Deadlines.make(() => timeIsUp(core)), core.deadlines.now() + closingTimeout)
}

/** Nobody waits for the pool any more: what is free goes, what is under way is interrupted. */
const shutDown = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag === "Closing") core.life.serving = false
  for (let waiter = core.waiters.first; waiter !== undefined; waiter = core.waiters.first) {
    fail(core, waiter, closed(core, waiter))
  }
  for (const fiber of core.background) fiber.interruptUnsafe()
  core.creator?.interruptAll()
  core.detector?.stop()
  for (const entry of [...core.registry.entries]) {
    if (entry.detection !== undefined) core.detector!.drop(entry.detection)
    else if (entry.hook !== undefined) entry.hook.interrupt()
    else if (entry.status !== "Borrowed" && entry.status !== "Invalid") evict(core, entry, "Closed")
  }
  core.destroyer.flush()
  settled(core)
}

/** `closing.timeout` is over: those who still wait fail, leases that are still open are revoked. */
const timeIsUp = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag === "Closing" && core.life.serving) shutDown(core)
  const open = leases(core)
  for (const lease of open) lease.close(false)
  if (open.length > 0) {
    const ids = open.slice(0, 10).map(({ id }) => id)
    report(core, `Closing revoked ${open.length} lease(s) that were still open`, {
      annotations: { leases: open.length > 10 ? `${ids.join(", ")}, …` : ids.join(", ") }
    })
  }
  giveUpLater(core)
}

/** What has been interrupted may take its time to end, but not for ever. */
const giveUpLater = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag !== "Closing" || core.life.givingUp) return
  core.life.givingUp = true
  core.deadlines.set(Deadlines.make(() => giveUp(core)), core.deadlines.now() + core.options.hookTimeout)
}

const giveUp = <A, D>(core: Core<A, D>): void => {
  const making = core.creator?.abandonAll() ?? 0
  core.choosers.clear()
  if (making > 0) report(core, `Closing gave up ${making} object(s) that were still being made`)
  for (const entry of [...core.registry.entries]) {
    if (entry.status === "Invalid") continue
    report(core, `Closing gave up waiting for an object that was ${entry.status}`, { entry })
    cutOff(core, entry)
    evict(core, entry, "Closed")
  }
  settled(core)
}

/** Nothing is left? Then the pool is closed. */
export const settled = <A, D>(core: Core<A, D>): void => {
  if (core.life._tag !== "Closing") return
  if (core.life.serving) {
    if (core.waiters.size === 0) shutDown(core)
    return
  }
  if (population(core) > 0 || core.choosers.size > 0) {
    // no borrower keeps it any more: what is left ends soon, or is given up
    if (core.leases === 0) giveUpLater(core)
    return
  }
  core.life = { _tag: "Closed" }
  core.deadlines.end()
  core.moments.end()
  if (core.feed !== undefined) tell(core, { _tag: "Closed" })
  each(core, core.onClosed)
}
