/**
 * What an operator asks of a pool from another process.
 */
import * as Effect from "effect/Effect"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { PooledObject } from "../../PooledObject.ts"
import { DuplicateObject, type PoolClosed, type PoolFull } from "../../PoolError.ts"
import { isPrimitive } from "../state/entry.ts"
import type { Additions } from "./additions.ts"
import type { Definition } from "./definition.ts"
import { type Joining, toAdd } from "./entries.ts"
import { draw, drawLease, type Who } from "./pictures.ts"
import { type Answer, type Operation, type Refusal, refusal, type Target } from "./protocol.ts"
import { patiently, toDuration } from "./words.ts"

/** What of a host its operator needs. */
export interface Operated<A, D, E, N> {
  readonly definition: Definition<A, D, E, N>
  readonly pool: ObjectPool<A, D, E>
  readonly settings: {
    readonly epoch: number
    /** Absent: what is added goes with its host. */
    readonly additions?: Additions<A, D, E, N> | undefined
  }
  readonly borrowers: () => ReadonlyMap<number, Who>
}

type Records<A, D> = ReadonlyArray<PooledObject<A, D>>

/**
 * Finds what a borrower means. An object that has come from elsewhere is never the very one that the pool has: it is found
 * by what its schema makes of it, by a walk.
 */
export const targets =
  <A, D, E, N>({ definition, pool }: Operated<A, D, E, N>) => (target: Target): Effect.Effect<Records<A, D>> =>
    Effect.map(pool.objects, (objects) => {
      if (target._tag === "Id") return objects.filter(({ id }) => id === target.id)
      const wanted = JSON.stringify(target.object)
      return objects.filter(({ object }) => textOf(definition, object) === wanted)
    })

const textOf = <A, D, E, N>(definition: Definition<A, D, E, N>, object: A): string | undefined => {
  const encoded = definition.object.encode(object)
  return encoded && JSON.stringify(encoded.json)
}

/** Does something to each record; was there any? */
const each = <A, D>(
  records: Effect.Effect<Records<A, D>>,
  f: (pooled: PooledObject<A, D>) => Effect.Effect<boolean>
): Effect.Effect<boolean> =>
  Effect.flatMap(records, (found) => Effect.map(Effect.forEach(found, f), (answers) => answers.includes(true)))

type Adding = Extract<Operation, { readonly _tag: "Add" }>

const adding = <A, D, E, N>(
  host: Operated<A, D, E, N>,
  { data, leaseTimeout, objects }: Adding
): Effect.Effect<Answer, unknown> =>
  Effect.gen(function*() {
    const { definition } = host
    const decoded = objects.map((object) => definition.object.decode(object))
    const given = data === undefined ? undefined : definition.data?.decode(data)
    if (decoded.includes(undefined) || (data !== undefined && given === undefined)) {
      return yield* Effect.fail<Refusal>(refusal("Malformed", "the host cannot decode what is to be added"))
    }
    const values = decoded.map((each) => each!.value)
    yield* refuseDuplicates(host, values)
    const added = yield* addAll(host, values, { leaseTimeout: patiently(leaseTimeout), data: given?.value })
    return added.map((pooled) => draw(pooled, definition.data))
  })

/** Puts objects in, and into what the next host is to know. */
export const addAll = <A, D, E, N>(
  { pool, settings: { additions } }: Operated<A, D, E, N>,
  objects: ReadonlyArray<A>,
  joining: Joining<D>
): Effect.Effect<Records<A, D>, DuplicateObject | PoolFull | PoolClosed | Refusal> =>
  additions === undefined ? pool.addAll(objects, toAdd(joining)) : additions.addAll(objects, joining)

/** Copies of one object are the same object, wherever they were made. Primitives are never duplicates. */
export const refuseDuplicates = <A, D, E, N>(
  { definition, pool }: Operated<A, D, E, N>,
  values: ReadonlyArray<A>
): Effect.Effect<void, DuplicateObject> =>
  Effect.gen(function*() {
    const known = new Map<string | undefined, number>()
    for (const { id, object } of yield* pool.objects) known.set(textOf(definition, object), id)
    for (const value of values) {
      if (isPrimitive(value)) continue
      const text = textOf(definition, value)
      const objectId = known.get(text)
      if (objectId !== undefined) {
        return yield* Effect.fail(new DuplicateObject({ pool: definition.name, stats: yield* pool.stats, objectId }))
      }
      known.set(text, 0)
    }
  })

type Looking = Extract<Operation, { readonly _tag: "Stats" | "Objects" | "Leases" }>

const looking = <A, D, E, N>(host: Operated<A, D, E, N>, operation: Looking): Effect.Effect<Answer> => {
  const { definition, pool } = host
  switch (operation._tag) {
    case "Stats":
      return pool.stats
    case "Objects":
      return Effect.map(pool.objects, (objects) => objects.map((pooled) => draw(pooled, definition.data)))
    case "Leases":
      return Effect.map(pool.leases, (leases) => {
        const borrowers = host.borrowers()
        return leases.map((lease) => drawLease(lease, host.settings.epoch, borrowers.get(lease.id)))
      })
  }
}

/** Does what was asked for. Fails with what the pool fails with. */
export const operate = <A, D, E, N>(
  host: Operated<A, D, E, N>,
  find: (target: Target) => Effect.Effect<Records<A, D>>,
  operation: Operation
): Effect.Effect<Answer, unknown> => {
  const { pool } = host
  switch (operation._tag) {
    case "Add":
      return adding(host, operation)
    case "Remove":
      return host.settings.additions === undefined
        ? each(find(operation.target), (pooled) => pool.remove(pooled))
        : host.settings.additions.remove(find(operation.target), operation.target)
    case "Rest":
      return each(find(operation.target), (pooled) => pool.rest(pooled, toDuration(operation.duration) ?? 0))
    case "Wake":
      return each(find(operation.target), (pooled) => pool.wake(pooled))
    case "Resize": {
      const { max, min, spare } = operation
      return Effect.as(pool.resize({ min, max: max === null ? "Infinity" : max, spare }), null)
    }
    case "Stats":
    case "Objects":
    case "Leases":
      return looking(host, operation)
    default:
      return Effect.as(plain(pool)[operation._tag], null)
  }
}

/** The operations that need nothing and answer nothing. */
const plain = <A, D, E>(pool: ObjectPool<A, D, E>) => ({
  Detect: pool.detect,
  Rotate: pool.rotate,
  Suspend: pool.suspend,
  Resume: pool.resume,
  Drain: pool.drain
})
