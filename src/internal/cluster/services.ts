/**
 * Shared pools as services: the pool of this process, and one whose host is another.
 */
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { hostname } from "node:os"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { SharedAddOptions, SharedBorrowOptions, SharedLease } from "../../SharedLease.ts"
import type { SharedPool } from "../../SharedPool.ts"
import { toObjects } from "../pool/options.ts"
import { Pass, toHeaders } from "./access.ts"
import { Borrower } from "./borrower.ts"
import { Connection } from "./connection.ts"
import type { Definition } from "./definition.ts"
import { clientOf } from "./gateway.ts"
import { type HostOptions, type Make, means, ofPool, toEpoch } from "./hosting.ts"
import { LocalLease, toBorrow } from "./local.ts"
import { operate, type Operated, refuseDuplicates, targets } from "./operating.ts"
import { picture } from "./pictures.ts"
import { Guarded } from "./protocol.ts"
import { operator } from "./service.ts"
import type { Client } from "./session.ts"

/** The pool of this process. */
export const local = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  make: Make<A, D, E>
): Effect.Effect<SharedPool<A, D, E, N>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const pool = yield* make(ofPool(options))
    const epoch = yield* toEpoch(definition.name, options.epoch)
    const operated: Operated<A, D, E, N> = { definition, pool, settings: { epoch }, borrowers: () => new Map() }
    const find = targets(operated)
    const held = (lease: ConstructorParameters<typeof LocalLease<A, D>>[0]): SharedLease<A, D> =>
      new LocalLease(lease, epoch)
    const asked = (borrow: SharedBorrowOptions<N>) => toBorrow(borrow, options.meets)
    return {
      name: definition.name,
      ...operator(definition, (operation) => operate(operated, find, operation)),
      borrow: Effect.map(pool.borrow, held),
      borrowWith: (borrow) => Effect.suspend(() => Effect.map(pool.borrowWith(asked(borrow)), held)),
      tryBorrow: Effect.map(pool.tryBorrow, held),
      with: (f, borrow) => pool.with((lease) => f(held(lease)), borrow === undefined ? undefined : asked(borrow)),
      ...adding(operated, pool),
      events: pool.events
    }
  })

/** What is added in this process is in the pool as it is, and not as a copy. */
const adding = <A, D, E, N>(operated: Operated<A, D, E, N>, pool: ObjectPool<A, D, E>) => {
  const addAll = (objects: Iterable<A>, options?: SharedAddOptions<D>) =>
    Effect.suspend(() => {
      const all = toObjects(operated.definition.name, objects)
      const { data, ...rest } = options ?? {}
      // data of the whole type are data of a part of it
      const given = { ...rest, ...(data === undefined ? {} : { data: data as never }) }
      const added = Effect.andThen(refuseDuplicates(operated, all), pool.addAll(all, given))
      return Effect.map(added, (records) => records.map((pooled) => picture<A, D>(pooled)))
    })
  return {
    addAll,
    add: (object: A, options?: SharedAddOptions<D>) => Effect.map(addAll([object], options), (all) => all[0]!)
  }
}

/** The pool of another process. */
export const remote = <A, D, E, N>(
  definition: Definition<A, D, E, N>
): Effect.Effect<SharedPool<A, D, E, N>, never, Scope.Scope | RpcClient.Protocol> =>
  Effect.gen(function*() {
    const pass = yield* Pass
    const client = yield* RpcClient.make(Guarded, { disableTracing: true })
    return yield* linked(definition, client as unknown as Client, pass)
  })

/** The pool of a cluster. */
export const member = <A, D, E, N>(
  definition: Definition<A, D, E, N>
): Effect.Effect<SharedPool<A, D, E, N>, never, Scope.Scope | Sharding> =>
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
): Effect.Effect<SharedPool<A, D, E, N>, never, Scope.Scope> =>
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
