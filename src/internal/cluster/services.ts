/**
 * Shared pools as services: the pool of this process, and one whose host is another.
 */
import type { Sharding } from "effect/cluster/Sharding"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { hostname } from "node:os"
import {
  PoolUnavailable,
  type SharedAddOptions,
  type SharedBorrowOptions,
  type SharedLease
} from "../../SharedLease.ts"
import type { SharedPool } from "../../SharedPool.ts"
import { toObjects } from "../pool/options.ts"
import { Pass, toHeaders } from "./access.ts"
import { Borrower, toReason } from "./borrower.ts"
import { Connection } from "./connection.ts"
import type { Definition } from "./definition.ts"
import { clientOf } from "./gateway.ts"
import { agreeOnClasses, type HostOptions, inStore, type Make, means, ofPool, remembering, toEpoch } from "./hosting.ts"
import { LocalLease, toBorrow } from "./local.ts"
import { addAll as join, operate, type Operated, refuseDuplicates, targets } from "./operating.ts"
import { picture } from "./pictures.ts"
import { Guarded, type Refusal } from "./protocol.ts"
import { operator } from "./service.ts"
import type { Client } from "./session.ts"

/** The pool of this process. */
export const local = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  make: Make<A, D, E>
): Effect.Effect<SharedPool<A, D, E, N, string>, never, Scope.Scope> =>
  Effect.gen(function*() {
    agreeOnClasses(definition, options)
    const { additions, pool } = yield* remembering(definition, options, make(ofPool(options)), inStore)
    if (additions !== undefined) yield* additions.recalled
    const epoch = yield* toEpoch(definition.name, options.epoch)
    const settings = { epoch, additions }
    const operated: Operated<A, D, E, N> = { definition, pool, settings, borrowers: () => new Map() }
    const find = targets(operated)
    const held = (lease: ConstructorParameters<typeof LocalLease<A, D>>[0]): SharedLease<A, D> =>
      new LocalLease(lease, epoch)
    const asked = (borrow: SharedBorrowOptions<N, string>) => toBorrow(borrow, options.meets)
    return {
      name: definition.name,
      ...operator(definition, (operation) => unrefused(definition, operate(operated, find, operation))),
      borrow: Effect.map(pool.borrow, held),
      borrowWith: (borrow) => Effect.suspend(() => Effect.map(pool.borrowWith(asked(borrow)), held)),
      tryBorrow: Effect.map(pool.tryBorrow, held),
      with: (f, borrow) => pool.with((lease) => f(held(lease)), borrow === undefined ? undefined : asked(borrow)),
      ...adding(operated),
      events: pool.events
    }
  })

/** What is added in this process is in the pool as it is, and not as a copy. */
const adding = <A, D, E, N>(operated: Operated<A, D, E, N>) => {
  const addAll = (objects: Iterable<A>, options?: SharedAddOptions<D>) =>
    Effect.suspend(() => {
      const all = toObjects(operated.definition.name, objects)
      const { data, leaseTimeout } = options ?? {}
      const joined = unrefused(operated.definition, join(operated, all, { data, leaseTimeout }))
      const added = Effect.andThen(refuseDuplicates(operated, all), joined)
      return Effect.map(added, (records) => records.map((pooled) => picture<A, D>(pooled)))
    })
  return {
    addAll,
    add: (object: A, options?: SharedAddOptions<D>) => Effect.map(addAll([object], options), (all) => all[0]!)
  }
}

/** Where the store of what is remembered does not answer, the pool is as one that cannot be reached. */
const unrefused = <A, D, E, N, B, F>(
  { name }: Definition<A, D, E, N>,
  effect: Effect.Effect<B, F>
): Effect.Effect<B, Exclude<F, Refusal> | PoolUnavailable> =>
  effect.pipe(Effect.catch((error): Effect.Effect<never, Exclude<F, Refusal> | PoolUnavailable> => {
    if (!isRefusal(error)) return Effect.fail(error as Exclude<F, Refusal>)
    const { detail, reason } = error
    return Effect.flatMap(
      DateTime.now,
      (since) => Effect.fail(new PoolUnavailable({ pool: name, reason: toReason(reason), detail, since }))
    )
  }))

const isRefusal = (error: unknown): error is Refusal =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "Refusal"

/** The pool of another process. */
export const remote = <A, D, E, N>(
  definition: Definition<A, D, E, N>
): Effect.Effect<SharedPool<A, D, E, N, string>, never, Scope.Scope | RpcClient.Protocol> =>
  Effect.gen(function*() {
    const pass = yield* Pass
    const client = yield* RpcClient.make(Guarded, { disableTracing: true })
    return yield* linked(definition, client as unknown as Client, pass)
  })

/** The pool of a cluster. */
export const member = <A, D, E, N>(
  definition: Definition<A, D, E, N>
): Effect.Effect<SharedPool<A, D, E, N, string>, never, Scope.Scope | Sharding> =>
  Effect.gen(function*() {
    const { name } = yield* Pass
    const pass = { name, token: undefined, where: "the cluster" }
    return yield* linked(definition, yield* clientOf(definition.name), pass)
  })

/** A pool that is reached by a client of the protocol. */
const linked = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  client: Client,
  pass: Pass
): Effect.Effect<SharedPool<A, D, E, N, string>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { clock, deadlines, run } = yield* means
    const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
    const link = {
      pool: definition.name,
      client,
      headers: toHeaders(pass),
      fingerprint: definition.fingerprint,
      name: pass.name ?? `borrower ${crypto.randomUUID().slice(0, 8)}`,
      machine: hostname().slice(0, 256),
      where: pass.where
    }
    const now = () => ({ running: deadlines.now(), shown: clock.currentTimeMillisUnsafe() })
    const connection = new Connection(link, {
      deadlines,
      now,
      fork: (effect) => run(effect),
      soon: (task) => dispatcher.scheduleTask(task, 0)
    })
    yield* Effect.forkScoped(connection.run, { startImmediately: true })
    yield* Effect.addFinalizer(() => connection.close)
    const borrower = new Borrower(connection, definition)
    return {
      name: definition.name,
      ...operator(definition, (operation) => borrower.operate(operation)),
      borrow: borrower.borrow(undefined, true),
      borrowWith: (options) => borrower.borrow(options, true),
      tryBorrow: borrower.borrow(undefined, false),
      with: (f, options) => borrower.with(f, options),
      events: borrower.events
    }
  })
