/**
 * A lease as its borrower sees it: what may be read and done, and nothing that can be written, or reached, by it.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { AllowanceReport } from "../../Allowance.ts"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { LeaseExpired } from "../../PoolError.ts"
import type { Status } from "../../Status.ts"
import type { Allowances, Taken } from "../object/allowances.ts"
import { facetsOf, reckonFacet, restFacet, toFacet } from "../object/facets.ts"
import { discard } from "../object/leaving.ts"
import * as Rests from "../object/rest.ts"
import { reckon, restLater } from "../object/resting.ts"
import { callback, type Core } from "../state/core.ts"
import { type Entry, leasesOf } from "../state/entry.ts"
import { leaseExpired } from "../state/failures.ts"
import { moment, Pooled } from "../state/pooled.ts"
import { checks } from "../state/validation.ts"
import { shows } from "../structures/picture.ts"
import * as Scopes from "../structures/scope.ts"
import { aMoment, toMoment } from "../structures/times.ts"
import { type ActiveLease, detach, end, revokeLeases as revokeAll, takeIn } from "./lease.ts"

export class Handle<A, D> implements Lease<A, D> {
  readonly #lease: ActiveLease<A, D>

  constructor(lease: ActiveLease<A, D>) {
    this.#lease = lease
  }

  /** The lease of a handle; `undefined` for anything else. */
  static leaseOf<A, D>(target: unknown): ActiveLease<A, D> | undefined {
    return typeof target === "object" && target !== null && #lease in target
      ? target.#lease as unknown as ActiveLease<A, D>
      : undefined
  }

  get object(): A {
    return this.#lease.entry.object
  }
  get data(): D {
    return this.#lease.entry.data
  }
  get pooled(): PooledObject<A, D> {
    return this.#lease.entry.pooled
  }
  get id(): number {
    return this.#lease.id
  }
  get borrowedAt(): DateTime.Utc {
    return DateTime.makeUnsafe(this.#lease.borrowedAtMillis)
  }
  get expiresAt(): DateTime.Utc | undefined {
    const { expiry } = this.#lease
    return expiry === undefined ? undefined : moment(expiry.expiresAtMillis)
  }

  get release(): Effect.Effect<void> {
    const lease = this.#lease
    // masked, since closing a pack's scope may suspend
    return Effect.uninterruptible(Effect.suspend(() => {
      // a lease that is over is not the borrower's to give back, though its body may not have ended yet
      const rest = lease.over === undefined ? end(lease, Exit.void) : undefined
      return rest ?? Effect.void
    }))
  }
  get invalidate(): Effect.Effect<void> {
    const lease = this.#lease
    return Effect.sync(() => {
      if (!lease.marks) return
      lease.isMarked = true
      discard(lease.core, lease.entry, "Invalidated")
    })
  }
  rest(duration: Duration.Input, facet?: string): Effect.Effect<void> {
    const lease = this.#lease
    return Effect.sync(() => {
      const end = Rests.after(lease.core, duration)
      restBy(lease, end, facet)
    })
  }
  restUntil(moment: Status.Moment, facet?: string): Effect.Effect<void> {
    const lease = this.#lease
    return Effect.sync(() => {
      const end = Rests.at(lease.core, moment)
      restBy(lease, end, facet)
    })
  }
  charge(cost: number, name?: string): Effect.Effect<void> {
    return Effect.sync(() => charge(this.#lease, cost, name))
  }
  get recount(): Effect.Effect<void> {
    const { core, entry, taken } = this.#lease
    return Effect.sync(() => counted(core, entry, taken, (allowances, taken) => allowances.recount(taken)))
  }
  report(said: AllowanceReport): Effect.Effect<void> {
    return Effect.sync(() => report(this.#lease, said))
  }
  get renew(): Effect.Effect<void, LeaseExpired> {
    const lease = this.#lease
    return Effect.suspend(() => {
      if (lease.isOver) return leaseExpired(lease.core, lease, lease.over!)
      lease.renew()
      return Effect.void
    })
  }
  get detach(): Effect.Effect<A, LeaseExpired, Scope.Scope> {
    const lease = this.#lease
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => detach(lease, Context.getUnsafe(fiber.context, Scope.Scope)))
    )
  }
  get expired(): Effect.Effect<never, LeaseExpired> {
    const lease = this.#lease
    return callback(lease.core, (resume) => {
      const tell = () => {
        if (lease.over !== undefined && lease.over !== "Released") resume(leaseExpired(lease.core, lease, lease.over))
      }
      if (lease.over !== undefined) return tell()
      lease.watchers ??= new Set()
      lease.watchers.add(tell)
      return Effect.sync(() => lease.watchers?.delete(tell))
    })
  }
}

shows(Handle.prototype, ({ borrowedAt, expiresAt, id, pooled }) => ({
  _id: "Lease",
  id,
  objectId: pooled.id,
  status: pooled.status,
  borrowedAt,
  expiresAt
}))

/** A borrower has its object rest, perhaps for borrowers of a facet only. */
const restBy = <A, D>(lease: ActiveLease<A, D>, end: Rests.End, facet: unknown): void => {
  const { core, entry } = lease
  const name = toFacet(core.options.name, facet)
  if (!lease.marks) return
  if (name !== undefined) return restFacet(core, entry, name, end, "Asked")
  lease.isMarked = true
  restLater(core, entry, end)
}

/** A lease takes more of the allowances of its object, or gives some back, also when it is over. */
const charge = <A, D>({ core, entry, taken }: ActiveLease<A, D>, cost: number, name: string | undefined): void => {
  const check = checks(core.options.name)
  if (!isCount(cost)) check.refuse("charge", cost, "a finite number", "text")
  if (name !== undefined) known(check, entry, taken, name)
  counted(core, entry, taken, (allowances, taken) => allowances.charge(taken, cost, name))
}

const report = <A, D>({ core, entry, taken }: ActiveLease<A, D>, said: AllowanceReport): void => {
  const check = checks(core.options.name)
  if (said === undefined) check.refuse("report", said, "a record")
  const { name, remaining, resetsAt } = check.known("report", said, ["name", "remaining", "resetsAt"])
  known(check, entry, taken, name)
  if (remaining !== undefined && !isCount(remaining)) {
    return check.refuse("report.remaining", remaining, "a number", "text")
  }
  const until = resetsAt === undefined
    ? undefined
    : toMoment(resetsAt) ?? check.refuse("report.resetsAt", resetsAt, aMoment, "text")
  counted(core, entry, taken, (allowances) => allowances.report(name as string | undefined, remaining, until))
}

/** Counts what a lease says in the allowances of its object, and in those of its facet. An object that has left has none. */
const counted = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  taken: Taken | undefined,
  count: (allowances: Allowances, taken: Taken) => void
): void => {
  const { allowances } = entry
  if (allowances === undefined || taken === undefined || entry.status === "Invalid") return
  count(allowances, taken)
  const facet = allowances.perFacet.length === 0 ? undefined : taken.facet
  if (facet !== undefined) count(facetsOf(core, entry).of(facet).allowances, taken)
  reckon(core, entry)
  if (facet !== undefined) reckonFacet(core, entry, facet)
}

/** A number that can be counted with: beside a larger one, small ones are lost. */
const isCount = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER

/** Refuses a name that no allowance has; and that there is none, where there is more than one. */
const known = <A, D>(
  check: ReturnType<typeof checks>,
  { allowances }: Entry<A, D>,
  taken: Taken | undefined,
  name: unknown
): void => {
  const names = allowances?.namesFor(taken?.facet) ?? []
  if (name === undefined ? names.length === 1 : names.includes(name as string)) return
  const allowed = names.length === 0 ? "none: the object has no allowance" : names.map((each) => JSON.stringify(each))
  check.refuse("allowance", name, String(allowed), "text")
}

/** The handle of a lease, which its borrower has in hand: the same each time. */
export const handleOf = <A, D>(lease: ActiveLease<A, D>): Handle<A, D> => lease.handle ??= new Handle(lease)

/** Ties a lease to the scope that gives it back, and answers its handle. A closed scope gives it back at once. */
export const attach = <A, D>(lease: ActiveLease<A, D>, scope: Scope.Scope): Effect.Effect<Handle<A, D>> => {
  // the lease expired before the borrower's fiber was resumed
  if (lease.returned) return Exit.succeed(handleOf(lease))
  lease.scope = scope
  if (!Scopes.add(scope, lease, (exit) => takeIn(lease, exit) ?? Effect.void)) end(lease, Exit.void, false)
  return Exit.succeed(handleOf(lease))
}

/** Takes a lease, or all leases of an object, back. Answers whether one was open. Throws on what is neither. */
export const revoke = <A, D>(core: Core<A, D>, target: Lease<A, D> | PooledObject<A, D>): boolean => {
  const lease = Handle.leaseOf<A, D>(target)
  if (lease !== undefined) return lease.core === core && revokeAll(core, lease.entry, [lease])
  const entry = Pooled.entryOf<A, D>(target)
  if (entry === undefined) throw new TypeError("`revoke` was given neither a lease nor the record of an object")
  return core.registry.entries.has(entry) && revokeAll(core, entry, leasesOf(entry))
}
