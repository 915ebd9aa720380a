/**
 * Who may be the host of a pool, by a row that all processes can reach.
 *
 * A shard lock says where requests go, not that the last host has stopped: a process that was frozen, or cut off, does not
 * know yet that it has lost its lock. So a host grants and renews only under a claim: its row carries its token, and each
 * *beat*, written and confirmed, lets it go on for a while from when the beat was *sent*. A host that takes the row over
 * grants nothing before every lease that could have been renewed under the last beat is over at its borrower.
 *
 * With `expiry` the time from a beat until another may grant, and `t` the time to live of a lease: the host renews until
 * `expiry - 1.1 t` after it sent its last beat, the borrower's lease is over `t` later, and the next host counts `expiry`
 * from when it first *saw* that beat, which is later than when it was sent. A tenth of `t` is left for clocks that do not
 * run equally fast. Nobody reads another's clock, nor that of the storage.
 *
 * Invariant: `take` changes a row only if its epoch, token and beat are still those that were seen; so the last beat of
 * the host before is the one that was seen, and each epoch is one more than the last.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { apart } from "./apart.ts"
import { inProcess, type Memories } from "./memory.ts"

/** The row of a pool. */
export interface Row {
  readonly pool: string
  readonly epoch: number
  readonly token: string
  readonly beat: number
  /** The host of this epoch has stopped, and no lease of it is left anywhere. */
  readonly clean: boolean
  /** The time from a beat of this host until another may grant, in milliseconds. */
  readonly expiry: number
}

/** Where the rows are. Each change is one atomic step of the storage. */
export interface Store<E> {
  readonly read: (pools: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Row>, E>
  /** Writes the row of the next host, if the row is still as it was seen, and answers whether it did. */
  readonly take: (next: Row, seen: Row | undefined) => Effect.Effect<boolean, E>
  /** Writes the next beat, and answers whether the row is still this host's. */
  readonly beat: (pool: string, token: string) => Effect.Effect<boolean, E>
  readonly leave: (pool: string, token: string) => Effect.Effect<void, E>
}

/** The right to be the host of a pool, as long as it `holds`. */
export interface Claim {
  readonly epoch: number
  /** May the host grant and renew in this instant? No more once the time of its last beat is over, whatever else runs late. */
  readonly holds: () => boolean
  /** Ends when every lease of the host before is over at its borrower. */
  readonly inherited: Effect.Effect<void>
  /** Ends when another host has taken over. */
  readonly lost: Effect.Effect<void>
  /** Gives the right up: no lease is left, so that the next host need not wait. Without it the next host waits. */
  readonly leave: Effect.Effect<void>
}

export interface ClaimsService {
  /** The time from a beat until another host may grant, in milliseconds. */
  readonly expiry: number
  /** Looks at the row of a pool from now on, so that a host that takes it over knows how old its last beat is. */
  readonly watch: (pool: string) => Effect.Effect<void, never, Scope.Scope>
  /** Becomes the host, as soon as the storage answers. The claim is kept up, and not given up, by the scope. */
  readonly take: (pool: string, timeToLive: number) => Effect.Effect<Claim, never, Scope.Scope>
  /** Where a host of that epoch keeps what the next is to know. */
  readonly memories: Memories
}

/**
 * Which process may be the host of which pool, and what its hosts remember: what a cluster provides beside `Sharding`.
 *
 * @category services
 * @since 0.2.0
 */
export class Claims extends Context.Service<Claims, ClaimsService>()("effect-object-pool/cluster/Claims") {}

/** What a lease takes of the time of a beat, on both sides: see the head of this file. */
export const outlasting = (timeToLive: number): number => timeToLive * 1.1

/** Both clocks at one moment: the monotonic one may stand still while the machine sleeps, the wall clock be set back. */
interface Moment {
  readonly running: number
  readonly shown: number
}

/** What was seen of a row, and when this process saw that beat first. */
interface Sight {
  readonly row: Row
  readonly at: number
}

interface Clocks {
  readonly running: () => number
  readonly now: () => Moment
}

const clocks: Effect.Effect<Clocks> = Effect.map(Clock.Clock, (clock) => {
  const running = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  return { running, now: () => ({ running: running(), shown: clock.currentTimeMillisUnsafe() }) }
})

export const make = <E>(
  store: Store<E>,
  { expiry, memories = inProcess() }: { readonly expiry: number; readonly memories?: Memories }
): Effect.Effect<ClaimsService, never, Scope.Scope> =>
  Effect.gen(function*() {
    const time = yield* clocks
    const every = Math.min(500, expiry / 16)
    const { see, watch } = yield* watching(store, time, every)

    const attempt = (pool: string) =>
      Effect.gen(function*() {
        const [row] = yield* store.read([pool])
        const sight = row === undefined ? undefined : see(row)
        const epoch = (row?.epoch ?? 0) + 1
        const next: Row = { pool, epoch, token: yield* token, beat: 0, clean: false, expiry }
        const sent = time.now()
        if (!(yield* store.take(next, row))) return undefined
        const free = sight === undefined || sight.row.clean ? -Infinity : sight.at + sight.row.expiry
        return { next, sent, free }
      })
    const pause = Schedule.spaced(Math.min(200, every))
    const take: ClaimsService["take"] = (pool, timeToLive) => {
      const window = expiry - outlasting(timeToLive)
      return apart(attempt(pool)).pipe(
        Effect.timeout(Math.max(window, every)),
        Effect.catchCause((cause) =>
          Effect.as(Effect.logDebug("The record of hosts does not answer", cause), undefined)
        ),
        Effect.repeat({ schedule: pause, until: (taken) => taken !== undefined }),
        Effect.flatMap((taken) => taken === undefined ? Effect.never : keep(store, time, window, taken))
      )
    }
    return { expiry, watch, take, memories }
  })

/** Looks at the rows of pools, and remembers when this process first saw the last beat of each. */
const watching = <E>(store: Store<E>, time: Clocks, every: number) =>
  Effect.gen(function*() {
    const watched = new Map<string, number>()
    const sights = new Map<string, Sight>()
    const see = (row: Row): Sight => {
      const before = sights.get(row.pool)
      // of a host that has stopped since, its last beat is what it was
      const isSame = before !== undefined && before.row.token === row.token && before.row.beat === row.beat
      const sight = { row, at: isSame ? before.at : time.running() }
      sights.set(row.pool, sight)
      return sight
    }
    const look = Effect.suspend(() => watched.size === 0 ? Effect.succeed([]) : store.read([...watched.keys()]))
    yield* apart(look).pipe(
      Effect.map((rows) => rows.forEach(see)),
      Effect.timeout(every * 4),
      Effect.ignore,
      Effect.repeat(Schedule.spaced(every)),
      Effect.forkScoped
    )
    const count = (pool: string, change: number) =>
      Effect.sync(() => {
        const left = (watched.get(pool) ?? 0) + change
        if (left > 0) watched.set(pool, left)
        else watched.delete(pool)
      })
    return { see, watch: (pool: string) => Effect.acquireRelease(count(pool, 1), () => count(pool, -1)) }
  })

interface Taken {
  readonly next: Row
  readonly sent: Moment
  /** When every lease of the host before is over. */
  readonly free: number
}

/** Keeps a claim up. */
const keep = <E>(
  store: Store<E>,
  time: Clocks,
  window: number,
  { free, next: { epoch, pool, token }, sent }: Taken
): Effect.Effect<Claim, never, Scope.Scope> =>
  Effect.gen(function*() {
    // when the last beat was sent that was confirmed; absent: it is this host's no more
    let last: Moment | undefined = sent
    const lost = yield* Deferred.make<void>()
    const beat = Effect.suspend(() => {
      const sent = time.now()
      return apart(store.beat(pool, token)).pipe(
        Effect.timeout(window / 2),
        Effect.map((mine) => {
          if (last !== undefined) last = mine ? sent : undefined
          if (!mine) Deferred.doneUnsafe(lost, Effect.void)
        }),
        // it may answer again before the time of the last beat is over
        Effect.ignore
      )
    })
    yield* Effect.forkScoped(Effect.repeat(beat, Schedule.spaced(window / 4)))
    yield* Effect.addFinalizer(() => Effect.sync(() => last = undefined))

    const holds = () => {
      if (last === undefined) return false
      const { running, shown } = time.now()
      return running - last.running < window && shown - last.shown < window
    }
    return {
      epoch,
      holds,
      inherited: Effect.suspend(() => {
        const left = free - time.running()
        return left > 0 ? Effect.sleep(Duration.millis(left)) : Effect.void
      }),
      lost: Deferred.await(lost),
      leave: Effect.suspend(() => {
        last = undefined
        // the leases of the host before are left, if its time is not over yet
        return time.running() < free
          ? Effect.void
          : Effect.ignore(Effect.timeout(apart(store.leave(pool, token)), Math.max(window, 1000)))
      })
    }
  })

const token = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt, Random.nextInt]),
  (parts) => parts.map((part) => Math.abs(part).toString(36)).join("-")
)

/** Rows in this process, for a cluster that is one process, as in tests. */
export const storeMemory = (): Store<never> => {
  const rows = new Map<string, Row>()
  const mine = (pool: string, token: string) => {
    const row = rows.get(pool)
    return row?.token === token ? row : undefined
  }
  return {
    read: (pools) => Effect.sync(() => pools.flatMap((pool) => rows.get(pool) ?? [])),
    take: (next, seen) =>
      Effect.sync(() => {
        const row = rows.get(next.pool)
        if (row?.token !== seen?.token || row?.beat !== seen?.beat) return false
        rows.set(next.pool, next)
        return true
      }),
    beat: (pool, token) =>
      Effect.sync(() => {
        const row = mine(pool, token)
        if (row !== undefined) rows.set(pool, { ...row, beat: row.beat + 1 })
        return row !== undefined
      }),
    leave: (pool, token) =>
      Effect.sync(() => {
        const row = mine(pool, token)
        if (row !== undefined) rows.set(pool, { ...row, clean: true })
      })
  }
}
