/**
 * What an operator asks of a running pool: be ready, another size, fresh objects, a pause.
 */
import * as Effect from "effect/Effect"
import type { InvalidPoolOptions, PoolClosed } from "../PoolError.ts"
import { retire, shrink } from "./ageing.ts"
import { closed, type Core, held, suspended, type Watcher } from "./core.ts"
import { tell } from "./events.ts"
import { toSize } from "./options.ts"

/** Waits until the pool has come to a state. An interruption ends the wait, nothing else. */
const until = <A, D>(
  core: Core<A, D>,
  reached: () => boolean,
  fails: boolean
): Effect.Effect<void, PoolClosed> =>
  suspended(core, (resume) => {
    if (core.life._tag !== "Open") return resume(closed(core))
    if (reached()) return resume(Effect.void)
    const watcher: Watcher = {
      look: () => {
        if (!reached()) return false
        resume(Effect.void)
        return true
      },
      // what making fails with is the user's own failure
      ...fails && {
        failed: (cause) => {
          core.watchers.delete(watcher)
          resume(Effect.failCause(cause) as Effect.Effect<never>)
        }
      },
      closed: () => resume(closed(core))
    }
    core.watchers.add(watcher)
    return Effect.sync(() => core.watchers.delete(watcher))
  })

const open = <A, D, E>(core: Core<A, D>, step: () => Effect.Effect<void, E>): Effect.Effect<void, E | PoolClosed> =>
  Effect.suspend((): Effect.Effect<void, E | PoolClosed> => core.life._tag === "Open" ? step() : closed(core))

export const ready = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  until(core, () => core.registry.counts.Available + core.registry.counts.Borrowed >= core.size.min, true)

export const resize = <A, D>(
  core: Core<A, D>,
  size: { readonly min?: number | undefined; readonly max?: number | "Infinity" | undefined }
): Effect.Effect<void, InvalidPoolOptions | PoolClosed> =>
  open(core, () => {
    const checked = toSize(core.options, size, core.size, [...core.registry.entries].filter((e) => !e.scope).length)
    if (Effect.isEffect(checked)) return checked
    core.size.min = checked.min
    core.size.max = checked.max
    if (core.feed !== undefined) {
      tell(core, { _tag: "Resized", min: checked.min, ...checked.max !== Infinity && { max: checked.max } })
    }
    shrink(core)
    core.roomFreed()
    return Effect.void
  })

export const rotate = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  open(core, () => {
    core.creator?.age()
    if (core.feed !== undefined) tell(core, { _tag: "Rotated" })
    retire(core, [...core.registry.entries].filter((entry) => entry.scope !== undefined), "Rotated")
    const idle = () => [...core.registry.retired].some((entry) => entry.open === 0)
    return until(core, () => core.creator?.aging !== true && !idle(), false)
  })

export const suspend = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  open(core, () => {
    core.suspended = true
    if (core.feed !== undefined) tell(core, { _tag: "Suspended" })
    core.consider()
    return Effect.void
  })

export const resume = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  open(core, () => {
    core.suspended = false
    if (core.feed !== undefined) tell(core, { _tag: "Resumed" })
    core.changed()
    core.consider()
    for (let waiter = core.waiters.first; waiter !== undefined;) {
      const next = core.waiters.after(waiter)
      core.advance(waiter)
      waiter = core.waiters.onward(next)
    }
    return Effect.void
  })

export const drain = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.withFiber((fiber) =>
    Effect.andThen(suspend(core), until(core, () => !core.suspended || core.leases === held(core, fiber).length, false))
  )
