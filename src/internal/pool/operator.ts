/**
 * What an operator asks of a running pool: be ready, another size, fresh objects, a pause.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { InvalidPoolOptions, PoolClosed } from "../../PoolError.ts"
import { attendAll } from "../borrow/desk.ts"
import { retire, shrink } from "../object/replacing.ts"
import { callback, type Core, type Watcher } from "../state/core.ts"
import { closed } from "../state/failures.ts"
import { askSelector, changed, lookAt, roomFreed } from "../state/notes.ts"
import { held } from "../state/owners.ts"
import { tell } from "../watching/events.ts"
import { type Bounds, toSize } from "./options.ts"

type Resume = (effect: Effect.Effect<void, PoolClosed>) => void

/** A state of the pool, and those who wait for it: it is asked once for all of them whether it has come. */
class Awaited<A, D> implements Watcher {
  private readonly core: Core<A, D>
  private readonly reached: () => boolean
  private readonly waiting = new Set<Resume>()
  readonly failed: Watcher["failed"]

  constructor(core: Core<A, D>, reached: () => boolean, fails: boolean) {
    this.core = core
    this.reached = reached
    // the cause of a failed creation has the user's own type of errors
    this.failed = fails ? (cause) => this.end(Effect.failCause(cause) as Effect.Effect<never>) : undefined
  }

  /** Waits until the state has come. An interruption ends the wait, nothing else. */
  readonly wait: Effect.Effect<void, PoolClosed> = Effect.suspend(() =>
    callback(this.core, (resume: Resume) => {
      if (this.core.life._tag !== "Open") return resume(closed(this.core))
      if (this.reached()) return resume(Effect.void)
      this.waiting.add(resume)
      this.core.watchers.add(this)
      this.core.hold.begin()
      return Effect.sync(() => {
        if (this.waiting.delete(resume)) this.core.hold.end()
        if (this.waiting.size === 0) this.forsaken()
      })
    })
  )

  look(): void {
    if (this.reached()) this.end(Effect.void)
  }
  closed(): void {
    this.end(closed(this.core))
  }
  private forsaken(): void {
    this.core.watchers.delete(this)
    this.core.place?.left()
  }
  private end(outcome: Effect.Effect<void, PoolClosed>): void {
    this.forsaken()
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const resume of waiting) {
      this.core.hold.end()
      resume(outcome)
    }
  }
}

const open = <A, D, E>(core: Core<A, D>, step: () => Effect.Effect<void, E>): Effect.Effect<void, E | PoolClosed> =>
  Effect.suspend((): Effect.Effect<void, E | PoolClosed> => core.life._tag === "Open" ? step() : closed(core))

export const ready = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  new Awaited(core, () => core.registry.counts.Available + core.registry.counts.Borrowed >= core.size.min, true).wait

export const resize = <A, D>(
  core: Core<A, D>,
  size: Bounds
): Effect.Effect<void, InvalidPoolOptions | PoolClosed> =>
  open(core, () => {
    const checked = toSize(core.options, size, core.size, core.registry.added, core.place === undefined)
    if (Effect.isEffect(checked)) return checked
    core.size.min = checked.min
    core.size.max = checked.max
    core.size.spare = checked.spare
    if (core.feed !== undefined) {
      const { max, min, spare } = checked
      tell(core, { _tag: "Resized", min, ...max !== Infinity && { max }, ...spare > 0 && { spare } })
    }
    shrink(core)
    // the reserves may leave nothing any more for some who wait, or there may not be as many any more as one wants
    if (core.classes !== undefined) core.waiters.each((waiter) => lookAt(core, waiter))
    else for (const waiter of core.waiters.several) lookAt(core, waiter)
    roomFreed(core)
    return Effect.void
  })

export const rotate = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> => {
  const idle = () => core.registry.retired > core.registry.retiredLent
  const rotated = new Awaited(core, () => core.creator?.aging !== true && !idle(), false)
  return open(core, () => {
    core.creator?.age()
    if (core.feed !== undefined) tell(core, { _tag: "Rotated" })
    retire(core, [...core.registry.entries].filter((entry) => entry.scope !== undefined), "Rotated")
    return rotated.wait
  })
}

export const suspend = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  open(core, () => {
    core.suspended = true
    if (core.feed !== undefined) tell(core, { _tag: "Suspended" })
    askSelector(core)
    return Effect.void
  })

export const resume = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  open(core, () => {
    core.suspended = false
    if (core.feed !== undefined) tell(core, { _tag: "Resumed" })
    attendAll(core)
    changed(core)
    return Effect.void
  })

export const drain = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.withFiber((fiber) => Effect.andThen(suspend(core), drained(core, fiber)))

/** Waits until every lease is back but those of a fiber, or the pool lends again. */
export const drained = <A, D>(
  core: Core<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<void, PoolClosed> =>
  new Awaited(core, () => !core.suspended || core.leases === held(core, fiber), false).wait
