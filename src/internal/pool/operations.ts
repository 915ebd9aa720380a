/**
 * The operations of a pool, as its users call them.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { AddOptions, BorrowOptions, WithOptions } from "../../PoolOptions.ts"
import * as Desk from "../borrow/desk.ts"
import { failOver } from "../borrow/failover.ts"
import { borrowPacked } from "../borrow/packing.ts"
import { borrowSeveral, withSeveral } from "../borrow/several.ts"
import { bracket } from "../borrow/with.ts"
import { handleOf, revoke } from "../lease/handle.ts"
import { addAll } from "../object/adding.ts"
import * as Leaving from "../object/leaving.ts"
import * as Rests from "../object/rest.ts"
import * as Resting from "../object/resting.ts"
import * as Sweeping from "../object/sweeping.ts"
import { catchUp, type Core, know, stats } from "../state/core.ts"
import { leases } from "../state/owners.ts"
import { checks, withKeys } from "../state/validation.ts"
import type { Request } from "../state/waiters.ts"
import { shows } from "../structures/picture.ts"
import * as Site from "../structures/site.ts"
import { isRecord } from "../structures/times.ts"
import * as Events from "../watching/events.ts"
import * as Closing from "./closing.ts"
import * as Upkeep from "./operator.ts"
import { toMany, toObjects, toRequest } from "./options.ts"

const scoped = <A, D>(core: Core<A, D>, request: Request<A, D>): Effect.Effect<unknown, unknown, Scope.Scope> =>
  core.options.pack === undefined ? Desk.borrowScoped(core, request) : borrowPacked(core, request)

export const siteOf = <A, D>({ options }: Core<A, D>, operation: Function): Site.Site | undefined =>
  options.capturesSite ? Site.here(operation) : undefined

/** `borrowWith`, which queues, or `tryBorrowWith`, which does not. */
const borrowingWith = <A, D>(core: Core<A, D>, queues: boolean) => {
  const borrowWith = (borrow: BorrowOptions<A, D>): Effect.Effect<unknown, unknown, Scope.Scope> => {
    const at = siteOf(core, borrowWith)
    return Effect.suspend(() => scoped(core, toRequest(core.options, borrow, queues, at)))
  }
  return borrowWith
}

const bracketing = <A, D>(core: Core<A, D>, request: Request<A, D>) => {
  const usual = () => request
  const bracketed = (
    f: (borrowed: never) => Effect.Effect<unknown, unknown, unknown>,
    options?: WithOptions<A, D>
  ): Effect.Effect<unknown, unknown, unknown> => {
    if (typeof f !== "function") return Effect.die(new TypeError("`with` was given no function"))
    const at = siteOf(core, bracketed)
    if (options === undefined && at === undefined) return bracket(core, usual, f)
    if (!isRecord(options) || !("failover" in options)) {
      return bracket(core, () => toRequest(core.options, options, true, at), f)
    }
    return Effect.suspend(() => failingOver(core, f, options, at))
  }
  return bracketed
}

/** `with`, with `failover` among its options. Nonsense throws an `InvalidPoolOptions`: a defect of the borrower. */
export const failingOver = <A, D>(
  core: Core<A, D>,
  f: (borrowed: never) => Effect.Effect<unknown, unknown, unknown>,
  options: WithOptions<A, D>,
  at: Site.Site | undefined
): Effect.Effect<unknown, unknown, unknown> => {
  const check = checks(core.options.name)
  check.known("", options, withKeys)
  const { failover, ...borrow } = options
  const times = check.whole("failover", failover, 0, 0)
  const asked = () => toRequest(core.options, borrow, true, at)
  return times === 0 ? bracket(core, asked, f) : failOver(core, asked, f, times)
}

/** How many a borrower may have at once, and what says so. */
const mostOf = <A, D>({ classes, place, size }: Core<A, D>): { readonly max: number; readonly called: string } => {
  if (place === undefined) return { max: size.max, called: "size.max" }
  // two of different keys would wait for each other, by what their classes may have
  if (classes !== undefined) return { max: 1, called: "what is lent of a key at once where there are classes" }
  return place.room.max >= size.max
    ? { max: size.max, called: "size.perKey.max" }
    : { max: place.room.max, called: "size.max" }
}

/** What a borrower of several asks for. A number that makes no sense is a typed failure. */
const requesting = <A, D>(core: Core<A, D>) =>
(
  n: number,
  borrow: BorrowOptions<A, D> | undefined,
  at: Site.Site | undefined
) =>
  Effect.suspend(() => {
    const request = toRequest(core.options, borrow, true, at)
    const most = core.classes?.accounts.ceiling(core.classes.of(request).account)
    const checked = toMany(core.options.name, n, mostOf(core), most)
    return Effect.isEffect(checked) ? checked : Effect.succeed(() => ({ ...request, many: checked }))
  })

const severally = <A, D>(core: Core<A, D>) => {
  const several = requesting(core)
  const borrowMany = (n: number, borrow?: BorrowOptions<A, D>): Effect.Effect<unknown, unknown, unknown> => {
    const at = siteOf(core, borrowMany)
    return Effect.flatMap(several(n, borrow, at), (asked) => borrowSeveral(core, asked(), Effect.succeed))
  }
  const withMany = (
    n: number,
    f: (borrowed: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown, unknown>,
    borrow?: BorrowOptions<A, D>
  ): Effect.Effect<unknown, unknown, unknown> => {
    if (typeof f !== "function") return Effect.die(new TypeError("`withMany` was given no function"))
    const at = siteOf(core, withMany)
    return Effect.flatMap(several(n, borrow, at), (asked) => withSeveral(core, asked, f))
  }
  return { borrowMany, withMany }
}

export const operations = <A, D>(core: Core<A, D>): object => {
  const { options } = core
  const request = toRequest<A, D>(options, undefined, true)
  const now = toRequest<A, D>(options, undefined, false)
  const operations = {
    name: options.name,
    borrow: scoped(core, request),
    borrowWith: borrowingWith(core, true),
    tryBorrow: scoped(core, now),
    tryBorrowWith: borrowingWith(core, false),
    with: bracketing(core, request),
    ...severally(core),
    add: <R>(object: A, settings?: AddOptions<A, D, R>) =>
      Effect.map(addAll(core, () => [object], settings), (entries) => entries[0]),
    addAll: <R>(objects: Iterable<A>, settings?: AddOptions<A, D, R>) =>
      addAll(core, () => toObjects(options.name, objects), settings),
    remove: (target: A) => Effect.sync(() => Leaving.remove(core, target)),
    has: (target: A) => Effect.sync(() => core.registry.get(target) !== undefined),
    get: (target: A) => Effect.sync(() => core.registry.get(target)?.pooled),
    detect: Sweeping.detectAll(core),
    rest: (target: A, duration: Duration.Input) =>
      Effect.sync(() => Resting.rest(core, target, Rests.after(core, duration))),
    wake: (target: A) => Effect.sync(() => Resting.wake(core, target)),
    reconsider: (target: A) => Effect.sync(() => Desk.reconsider(core, target)),
    revoke: (target: Lease<A, D> | PooledObject<A, D>) => Effect.sync(() => revoke(core, target)),
    ready: Upkeep.ready(core),
    resize: (size: Parameters<typeof Upkeep.resize>[1]) => Upkeep.resize(core, size),
    rotate: Upkeep.rotate(core),
    suspend: Upkeep.suspend(core),
    resume: Upkeep.resume(core),
    drain: Upkeep.drain(core),
    stats: Effect.sync(() => {
      catchUp(core, false)
      return stats(core)
    }),
    objects: Effect.sync(() => {
      catchUp(core, false)
      return Array.from(core.registry.entries, (entry) => entry.pooled)
    }),
    leases: Effect.sync(() => leases(core).map(handleOf)),
    events: Events.events(core),
    close: Closing.close(core)
  }
  if (options.capturesSite) {
    Site.want()
    Site.property(operations, "borrow", (get) => scoped(core, { ...request, site: Site.here(get) }))
    Site.property(operations, "tryBorrow", (get) => scoped(core, { ...now, site: Site.here(get) }))
  }
  shows(operations, () => ({ _id: "ObjectPool", name: options.name, suspended: core.suspended, stats: stats(core) }))
  know(operations, core)
  return operations
}
