/** The books of a pool, kept from its events alone. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ObjectPool, PooledObject, PoolEvent, PoolStats, Status } from "../../src/index.ts"
import { start } from "./borrowers.ts"

export class Ledger {
  readonly events: Array<PoolEvent> = []
  private readonly statuses = new Map<number, Status>()
  private readonly leases = new Map<number, number>()
  private readonly totals = { borrows: 0, timedOut: 0, exhausted: 0, expired: 0 }
  /** What does not follow from what was told before. */
  readonly mistakes: Array<string> = []

  /** There is no history: what there is already has to be known. */
  constructor(objects: ReadonlyArray<PooledObject<unknown, unknown>>) {
    for (const { id, status } of objects) this.statuses.set(id, status)
  }

  readonly hear = (event: PoolEvent): void => {
    this.events.push(event)
    const follows = this.enter(event)
    if (!follows) this.mistakes.push(JSON.stringify(event))
  }

  private enter(event: PoolEvent): boolean {
    const { leases, statuses, totals } = this
    switch (event._tag) {
      case "Added":
      case "Acquired": {
        const isNew = !statuses.has(event.objectId)
        statuses.set(event.objectId, "Pending")
        return isNew
      }
      case "StatusChanged": {
        const [from, to] = event.transition.split(" -> ") as [Status, Status]
        const follows = statuses.get(event.objectId) === from
        statuses.set(event.objectId, to)
        return follows
      }
      case "Borrowed":
        totals.borrows++
        leases.set(event.leaseId, event.objectId)
        return statuses.get(event.objectId) === "Borrowed"
      case "LeaseExpired":
        totals.expired++
        return leases.get(event.leaseId) === event.objectId
      case "LeaseRevoked":
        return leases.get(event.leaseId) === event.objectId
      case "Released":
        return leases.get(event.leaseId) === event.objectId && leases.delete(event.leaseId)
      case "Destroyed":
      case "DestroyFailed":
      case "Left": {
        const follows = statuses.get(event.objectId) === "Invalid" && ![...leases.values()].includes(event.objectId)
        statuses.delete(event.objectId)
        return follows
      }
      case "Rested":
        // for the borrowers of a facet it may rest whatever it is
        return event.facet !== undefined || statuses.get(event.objectId) === "Dormant"
      case "WaiterTimedOut":
        totals.timedOut++
        return true
      case "WaiterRefused":
        totals.exhausted++
        return true
      default:
        return event._tag !== "Missed"
    }
  }

  /** The counts that `stats` should show. */
  get books() {
    const count = (status: Status) => [...this.statuses.values()].filter((each) => each === status).length
    return {
      size: this.statuses.size,
      pending: count("Pending"),
      available: count("Available"),
      borrowed: count("Borrowed"),
      dormant: count("Dormant"),
      unknown: count("Unknown"),
      invalid: count("Invalid"),
      leases: this.leases.size,
      ...this.totals
    }
  }

  /** The same counts, as the pool has them. */
  static books({ available, borrowed, dormant, invalid, leases, pending, size, totals, unknown }: PoolStats) {
    const { exhausted, expired, timedOut } = totals
    return {
      size,
      pending,
      available,
      borrowed,
      dormant,
      unknown,
      invalid,
      leases,
      borrows: totals.borrowed,
      timedOut,
      exhausted,
      expired
    }
  }
}

/** The books of a pool from now on, and what keeps them. */
export const keptBooks = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.gen(function*() {
    const ledger = new Ledger(yield* pool.objects)
    const fiber = yield* start(Stream.runForEach(pool.events, (event) => Effect.sync(() => ledger.hear(event))))
    return { fiber, ledger }
  })
