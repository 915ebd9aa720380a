/**
 * Putting the user's own objects in.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { AddedObject } from "../../PooledObject.ts"
import { DuplicateObject, PoolFull } from "../../PoolError.ts"
import type { AddOptions } from "../../PoolOptions.ts"
import { callback, type Core, population, stats } from "../state/core.ts"
import { type Entry, isPrimitive } from "../state/entry.ts"
import { closed } from "../state/failures.ts"
import { sayKey } from "../state/pooled.ts"
import { checks, toLeaseTimeout } from "../state/validation.ts"
import { isPlain } from "../structures/record.ts"
import { tell } from "../watching/events.ts"
import * as Joining from "./joining.ts"
import { Added } from "./self.ts"

/** Adds all objects or none. Ends when each has had its first detection. */
export const addAll = <A, D, R>(
  core: Core<A, D>,
  collect: () => ReadonlyArray<A>,
  options: AddOptions<A, D, R> | undefined
): Effect.Effect<ReadonlyArray<AddedObject<A, D>>, unknown, R> =>
  Effect.withFiber((fiber) => {
    const objects = collect()
    const prepared = whyNot(core, objects) ?? prepare(core, objects, options)
    if (Effect.isEffect(prepared)) return prepared
    // the user's iterable, or `data`, may have used the pool
    const refused = whyNot(core, objects) ?? whyNotRemembered(core, prepared.prepared)
    if (refused !== undefined) return refused
    let detecting = objects.length
    let ended: (() => void) | undefined
    const added: Array<AddedObject<A, D>> = []
    const joined = (entry: Entry<A, D>) => {
      const record = new Added(core, entry)
      sayKey(core, record)
      entry.pooled = record
      added.push(record)
    }
    joinAll(core, objects, prepared, options?.destroy ?? options?.release, fiber, joined, () => {
      if (--detecting === 0) ended?.()
    })
    if (detecting === 0) return Effect.succeed(added)
    return callback(core, (resume) => {
      const done = () => {
        core.onClosed.delete(gone)
        resume(Effect.succeed(added))
      }
      // a closing pool gives up a detector that does not end; but a detection that ends as the pool closes has its answer
      const gone = () => core.dispatcher.scheduleTask(() => resume(closed(core)), 0)
      if (detecting === 0) return done()
      if (core.life._tag === "Closed") return gone()
      ended = done
      core.onClosed.add(gone)
      return Effect.sync(() => core.onClosed.delete(gone))
    })
  })

const whyNot = <A, D>(core: Core<A, D>, objects: ReadonlyArray<A>): Effect.Effect<never, unknown> | undefined => {
  if (core.life._tag !== "Open") return closed(core)
  const pool = core.options.name
  const seen = new Set<unknown>()
  for (const object of objects) {
    const entry = core.registry.duplicate(object)
    if (entry !== undefined || (!isPrimitive(object) && seen.has(object))) {
      // an object that was given twice in one call has no id yet
      return Effect.fail(new DuplicateObject({ pool, stats: stats(core), objectId: entry?.id ?? 0 }))
    }
    seen.add(object)
  }
  return population(core) + objects.length > core.size.max || core.place?.lacks(objects.length) === true
    ? Effect.fail(new PoolFull({ pool, stats: stats(core) }))
    : undefined
}

/** Two objects of one key are not remembered. The id of the one that is there; 0: both were given in one call. */
const duplicateKey = <A, D>(core: Core<A, D>, all: ReadonlyArray<Joining.Prepared<D>>): number | undefined => {
  const seen = new Set<string>()
  for (const prepared of all) {
    const { key } = prepared
    if (key === undefined) return undefined
    const twin = Joining.twinOf(core, prepared)
    if (twin !== undefined || seen.has(key)) return twin?.id ?? 0
    seen.add(key)
  }
  return undefined
}

const whyNotRemembered = <A, D>(
  core: Core<A, D>,
  all: ReadonlyArray<Joining.Prepared<D>>
): Effect.Effect<never, DuplicateObject> | undefined => {
  const id = duplicateKey(core, all)
  return id === undefined ? undefined : Effect.fail(Joining.twice(core, id))
}

/** What each object joins with. Throws where a function of the user's does. */
const prepare = <A, D, R>(core: Core<A, D>, objects: ReadonlyArray<A>, options: AddOptions<A, D, R> | undefined) => ({
  leaseTimeout: toLeaseTimeout(core.options.name, options),
  prepared: objects.map((object) => Joining.prepare(core, object, toData(core, object, options?.data)))
})

/** The data of one object: what was given takes the place of the usual, or of a part of it where both are records. */
const toData = <A, D>(core: Core<A, D>, object: A, given: AddOptions<A, D>["data"]): D => {
  if (given === undefined) return core.options.data(object, core.place?.key)
  const usual = isPlain(given) ? core.options.data(object, core.place?.key) : undefined
  return (isPlain(usual) ? { ...usual, ...given } : given) as D
}

/** Adds objects that have been checked, in one step. */
const joinAll = <A, D, R>(
  core: Core<A, D>,
  objects: ReadonlyArray<A>,
  { leaseTimeout, prepared }: ReturnType<typeof prepare<A, D, R>>,
  destroy: AddOptions<A, D, R>["destroy"],
  fiber: Fiber.Fiber<unknown, unknown>,
  joined: (entry: Entry<A, D>) => void,
  ended: () => void
): void => {
  core.totals.added += objects.length
  core.place?.take(objects.length)
  const entries = objects.map((object, i) => {
    const entry = Joining.join(core, object, prepared[i]!, {
      leaseTimeout,
      release: destroy && Effect.provideContext(Effect.suspend(() => destroy(object)), fiber.context as never)
    })
    joined(entry)
    if (core.feed !== undefined) tell(core, { _tag: "Added", objectId: entry.id })
    return entry
  })
  // all objects have their room before any is offered: a function of the user's may add others
  for (const entry of entries) Joining.introduce(core, entry, { urgent: false, ended })
}

/** Adds the objects that a pool is built with. */
export const addInitial = <A, D>(core: Core<A, D>, fiber: Fiber.Fiber<unknown, unknown>): void => {
  const { name, objects } = core.options
  const prepared = prepare(core, objects, undefined)
  if (duplicateKey(core, prepared.prepared) !== undefined) {
    checks(name).refuse("objects", objects, "objects of which each has another `remember.key`")
  }
  joinAll(core, objects, prepared, undefined, fiber, () => {}, () => {})
}
