/**
 * The operations of the pools of many keys, as their users call them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { AddOptions, BorrowOptions, WithOptions } from "../../PoolOptions.ts"
import { borrow } from "../borrow/desk.ts"
import { borrowPacked } from "../borrow/packing.ts"
import { bracketIn } from "../borrow/with.ts"
import { attach } from "../lease/handle.ts"
import { type Core, know } from "../state/core.ts"
import { checks, levels } from "../state/validation.ts"
import type { Request } from "../state/waiters.ts"
import { shows } from "../structures/picture.ts"
import * as Site from "../structures/site.ts"
import { isRecord } from "../structures/times.ts"
import { events } from "../watching/events.ts"
import { build } from "./assemble.ts"
import { Keyed, type KeyedResolved, toBounds } from "./keyed.ts"
import { failingOver, operations, siteOf } from "./operations.ts"
import { type AnyOptions, resolve, toRequest } from "./options.ts"

type AnyEffect = Effect.Effect<unknown, unknown, never>
type Operations = Record<string, (...args: ReadonlyArray<unknown>) => AnyEffect> & { readonly ready: AnyEffect }

/** Nothing is there from the start, nor remembered: it would have to be said of which key it is. */
const notOfKeys: ReadonlyArray<string> = ["objects", "remember"]

const keys = [...levels[""].filter((key) => !notOfKeys.includes(key)), "idleKeys"]

/** The pools that options describe. Throws `InvalidPoolOptions`. */
export const resolveKeyed = <K, A, D>(
  name: string,
  options: object,
  services: Context.Context<never>
): Keyed<K, A, D> => {
  const check = checks(name)
  const given = check.known("", options, keys)
  const { acquire, idleKeys, size, ...rest } = given
  check.call("acquire", acquire)
  const makes = acquire !== undefined
  const { max, perKey } = toBounds(check, size, { max: makes ? 10 : Infinity, perKey: undefined }, makes)
  const millis = check.duration("idleKeys", idleKeys, 600_000)
  // what makes objects is known for each key; and so is what makes their data, which is given the key
  const usual = {
    ...rest,
    acquire: acquire && (() => Effect.never),
    size: { min: 0, max: max === Infinity ? "Infinity" : max }
  }
  const root = build(resolve<A, D>(name, usual as AnyOptions<A, D>), services)
  return new Keyed(root, { acquire: acquire as KeyedResolved<K, A>["acquire"], max, perKey, idleKeys: millis })
}

/** How objects of a key are borrowed. */
const borrowing = <K, A, D>(keyed: Keyed<K, A, D>) => {
  const { root } = keyed
  /** Borrows an object of a key: `ask` says how, when the borrow begins. */
  const borrowAs = (key: K, ask: () => Request<A, D>): AnyEffect =>
    Effect.withFiber((fiber): Effect.Effect<unknown, unknown> => {
      const core = keyed.of(key)
      if (core === undefined) return keyed.closedFailure
      return core.options.pack === undefined
        ? borrow(core, ask(), fiber, attach<A, D>, Context.getUnsafe(fiber.context, Scope.Scope))
        : borrowPacked(core, ask()) as Effect.Effect<unknown, unknown>
    })
  return {
    plainly: (queues: boolean) => {
      const usual = toRequest<A, D>(root.options, undefined, queues)
      const ask = () => usual
      const operation = (key: K): AnyEffect => {
        const site = siteOf(root, operation)
        return borrowAs(key, site === undefined ? ask : () => ({ ...usual, site }))
      }
      return operation
    },
    by: (queues: boolean) => {
      const operation = (key: K, options: BorrowOptions<A, D>): AnyEffect => {
        const site = siteOf(root, operation)
        return borrowAs(key, () => toRequest(root.options, options, queues, site))
      }
      return operation
    }
  }
}

const bracketing = <K, A, D>(keyed: Keyed<K, A, D>) => {
  const { root } = keyed
  const request = toRequest<A, D>(root.options, undefined, true)
  const bracketed = (
    key: K,
    f: (borrowed: never) => Effect.Effect<unknown, unknown, unknown>,
    options?: WithOptions<A, D>
  ): Effect.Effect<unknown, unknown, unknown> => {
    if (typeof f !== "function") return Effect.die(new TypeError("`with` was given no function"))
    const site = siteOf(root, bracketed)
    return Effect.withFiber((fiber) => {
      const core = keyed.of(key)
      if (core === undefined) return keyed.closedFailure
      if (options === undefined && site === undefined) return bracketIn(core, request, f, fiber)
      return isRecord(options) && "failover" in options
        ? failingOver(core, f, options, site)
        : bracketIn(core, toRequest(core.options, options, true, site), f, fiber)
    })
  }
  return bracketed
}

/** The operations of the pools of single keys, which those make when one is first asked for. */
const delegating = <K, A, D>(keyed: Keyed<K, A, D>) => {
  type Target = A | PooledObject<A, D>
  const of = (core: Core<A, D>) => keyed.with(core, "operations", (core) => operations(core) as Operations)
  /** Of a key whose pool is made if it is not there. */
  const made = (key: K, f: (pool: Operations) => AnyEffect): AnyEffect =>
    Effect.suspend((): AnyEffect => {
      const core = keyed.of(key)
      return core === undefined ? keyed.closedFailure : f(of(core))
    })
  /** A key that has no pool answers as one that has nothing. */
  const found = <B>(key: K, f: (pool: Operations) => AnyEffect, none: B): AnyEffect =>
    Effect.suspend(() => {
      const core = keyed.find(key)
      return core === undefined ? Effect.succeed(none) : f(of(core))
    })
  const borrowMany = (key: K, n: number, borrow?: BorrowOptions<A, D>): AnyEffect => {
    const site = siteOf(keyed.root, borrowMany)
    return made(key, Site.handing(site, (pool) => pool["borrowMany"]!(n, borrow)))
  }
  const withMany = (
    key: K,
    n: number,
    f: (borrowed: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown, unknown>,
    borrow?: BorrowOptions<A, D>
  ): AnyEffect => {
    const site = siteOf(keyed.root, withMany)
    return made(key, Site.handing(site, (pool) => pool["withMany"]!(n, f, borrow)))
  }
  return {
    borrowMany,
    withMany,
    add: <R>(key: K, object: A, settings?: AddOptions<A, D, R>) => made(key, (pool) => pool["add"]!(object, settings)),
    addAll: <R>(key: K, objects: Iterable<A>, settings?: AddOptions<A, D, R>) =>
      made(key, (pool) => pool["addAll"]!(objects, settings)),
    ready: (key: K) => made(key, (pool) => pool.ready),
    remove: (key: K, target: Target) => found(key, (pool) => pool["remove"]!(target), false),
    has: (key: K, target: Target) => found(key, (pool) => pool["has"]!(target), false),
    get: (key: K, target: Target) => found(key, (pool) => pool["get"]!(target), undefined),
    rest: (key: K, target: Target, duration: unknown) => found(key, (pool) => pool["rest"]!(target, duration), false),
    wake: (key: K, target: Target) => found(key, (pool) => pool["wake"]!(target), false),
    reconsider: (key: K, target: Target) => found(key, (pool) => pool["reconsider"]!(target), false),
    revoke: (key: K, target: Lease<A, D> | PooledObject<A, D>) => found(key, (pool) => pool["revoke"]!(target), false)
  }
}

export const keyedOperations = <K, A, D>(keyed: Keyed<K, A, D>): object => {
  const { name, capturesSite } = keyed.root.options
  const borrow = borrowing(keyed)
  const all = {
    name,
    borrow: borrow.plainly(true),
    borrowWith: borrow.by(true),
    tryBorrow: borrow.plainly(false),
    tryBorrowWith: borrow.by(false),
    with: bracketing(keyed),
    ...delegating(keyed),
    detect: keyed.detect,
    resize: (size: unknown) => keyed.resize(size),
    resizeKey: (key: K, size: Parameters<typeof keyed.resizeKey>[1]) => keyed.resizeKey(key, size),
    rotate: keyed.rotate,
    suspend: keyed.suspend,
    resume: keyed.resume,
    drain: keyed.drain,
    keys: Effect.sync(() => keyed.names),
    stats: Effect.sync(() => keyed.stats()),
    statsOf: (key: K) => Effect.sync(() => keyed.statsOf(key)),
    objects: Effect.sync(() => keyed.objects),
    leases: Effect.sync(() => keyed.leases),
    events: events(keyed.root),
    forget: (key: K) => keyed.forget(key),
    close: keyed.close
  }
  if (capturesSite) Site.want()
  shows(all, () => ({ _id: "KeyedPool", name, stats: keyed.stats() }))
  knowKeyed(all, keyed)
  know(all, keyed.root)
  return all
}

const known = new WeakMap<object, Keyed<unknown, never, never>>()

const knowKeyed = <K, A, D>(pool: object, keyed: Keyed<K, A, D>): void => {
  known.set(pool, keyed as never)
}

/** What is behind the operations of the pools of many keys; `undefined` for a test double. */
export const keyedOf = (pool: object): Keyed<unknown, never, never> | undefined => known.get(pool)
