/**
 * The operations of a shared pool, the same wherever its host is.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DuplicateObject, InvalidPoolOptions, PoolClosed, PoolFull, type PoolStats } from "../../PoolError.ts"
import { type PooledPicture, PoolUnavailable, type SharedAddOptions } from "../../SharedLease.ts"
import type { SharedPool } from "../../SharedPool.ts"
import { toObjects } from "../pool/options.ts"
import { checks } from "../state/validation.ts"
import type { Definition } from "./definition.ts"
import { isPicture, shown, shownLease } from "./pictures.ts"
import type { Answer, Held, Operation, Picture, Target } from "./protocol.ts"
import { toEndless } from "./words.ts"

type Perform = (operation: Operation) => Effect.Effect<Answer, unknown>

const addKeys = ["data", "leaseTimeout"] as const

/** What an operation may fail with, whatever its type. Anything else is no failure of the user's. */
const known = [PoolUnavailable, PoolClosed, PoolFull, DuplicateObject, InvalidPoolOptions]

/** What an operator does, by what performs it. `perform` may fail with what the types of the operations say, and else dies. */
export const operator = <A, D, E, N>(definition: Definition<A, D, E, N>, perform: Perform) => {
  const { data, name, object } = definition

  const ask = <B>(operation: () => Operation): Effect.Effect<B, never> =>
    // the types of the operations say what each fails with; the answer is what the protocol says for the operation
    Effect.suspend(() => perform(operation())).pipe(
      Effect.catch((error) => known.some((kind) => error instanceof kind) ? Effect.fail(error) : Effect.die(error))
    ) as Effect.Effect<
      never,
      never
    >

  const encoded = (option: string, value: A) =>
    object.encode(value)?.json ?? checks(name).refuse(option, value, "what the schema `object` encodes")

  const target = (target: A | PooledPicture<D>): Target =>
    isPicture(target) ? { _tag: "Id", id: target.id } : { _tag: "Object", object: encoded("object", target as A) }

  const adding = (objects: Iterable<A>, options: SharedAddOptions<D> | undefined): Operation => {
    const check = checks(name)
    check.known("", options, addKeys)
    const given = options?.data === undefined ? undefined : data?.encode(options.data)
    if (options?.data !== undefined && given === undefined) {
      check.refuse("data", options.data, "what the schema `data` encodes")
    }
    const leaseTimeout = options?.leaseTimeout === undefined
      ? undefined
      : check.duration("leaseTimeout", options.leaseTimeout, Infinity)
    return {
      _tag: "Add",
      objects: toObjects(name, objects).map((each) => encoded("objects", each)),
      ...(given === undefined ? {} : { data: given.json }),
      ...(leaseTimeout === undefined ? {} : { leaseTimeout: toEndless(leaseTimeout) })
    }
  }

  const pictures = (operation: () => Operation) =>
    Effect.map(ask<ReadonlyArray<Picture>>(operation), (answer) => answer.map((each) => shown(each, data)))
  const plainly = (tag: "Detect" | "Rotate" | "Suspend" | "Resume" | "Drain") =>
    Effect.asVoid(ask<null>(() => ({ _tag: tag })))

  return {
    add: (added: A, options?: SharedAddOptions<D>) =>
      Effect.map(pictures(() => adding([added], options)), (all) => all[0]!),
    addAll: (objects: Iterable<A>, options?: SharedAddOptions<D>) => pictures(() => adding(objects, options)),
    remove: (removed: A | PooledPicture<D>) => ask<boolean>(() => ({ _tag: "Remove", target: target(removed) })),
    rest: (rested: A | PooledPicture<D>, duration: Duration.Input) =>
      ask<boolean>(() => ({
        _tag: "Rest",
        target: target(rested),
        duration: toEndless(checks(name).duration("duration", duration, 0, "zero"))
      })),
    wake: (woken: A | PooledPicture<D>) => ask<boolean>(() => ({ _tag: "Wake", target: target(woken) })),
    detect: plainly("Detect"),
    stats: ask<PoolStats>(() => ({ _tag: "Stats" })),
    objects: pictures(() => ({ _tag: "Objects" })),
    leases: Effect.map(ask<ReadonlyArray<Held>>(() => ({ _tag: "Leases" })), (all) => all.map(shownLease)),
    resize: (size: Size) => Effect.flatMap(resizing(name, size), (asked) => Effect.asVoid(ask<null>(() => asked))),
    rotate: plainly("Rotate"),
    suspend: plainly("Suspend"),
    resume: plainly("Resume"),
    drain: plainly("Drain")
  }
}

type Size = Parameters<SharedPool<unknown>["resize"]>[0]

/** Nonsense is a failure here, as it is where the host finds it. */
const resizing = (name: string, size: Size): Effect.Effect<Operation, InvalidPoolOptions> =>
  Effect.try({ try: () => toResize(name, size), catch: (error) => error as InvalidPoolOptions })

const toResize = (name: string, size: Size): Operation => {
  const check = checks(name)
  const { max, min, spare } = check.record("size", size)
  return {
    _tag: "Resize",
    ...(min === undefined ? {} : { min: check.whole("size.min", min, 0, 0) }),
    ...(max === undefined ? {} : { max: toEndless(check.most("size.max", max, 1, Infinity)) }),
    ...(spare === undefined ? {} : { spare: check.whole("size.spare", spare, 0, 0) })
  }
}
