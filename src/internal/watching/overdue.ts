/**
 * The warning about a lease that is held too long: one deadline of the pool for each lease, where `leaseWarning` is set.
 *
 * The deadline stands from the grant of the lease until its object is back, which may be later than the lease is over: a
 * body that does not end although its lease has expired is what an operator wants to hear of.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type { ActiveLease } from "../lease/lease.ts"
import { type Borrower, processOf, promised } from "../state/borrower.ts"
import type { Core } from "../state/core.ts"
import { leasesOf } from "../state/entry.ts"
import type { Deadline } from "../structures/deadlines.ts"
import * as Site from "../structures/site.ts"
import { span } from "../structures/times.ts"
import { tell } from "./events.ts"
import { report } from "./log.ts"

export class Overdue<A, D> implements Deadline {
  private readonly lease: ActiveLease<A, D>
  private readonly fiberId: number
  // the borrower's span and stack frame are kept as they are at the grant: its fiber goes on to other spans
  private readonly span: Fiber.Fiber.Cache["span"]
  private readonly frame: Fiber.Fiber.Cache["stackFrame"]
  private readonly site: Site.Site | undefined
  due = Infinity
  index = -1

  constructor(lease: ActiveLease<A, D>, { cache, id }: Borrower, site: Site.Site | undefined) {
    this.lease = lease
    this.fiberId = id
    this.span = cache.span
    this.frame = cache.stackFrame
    this.site = site
  }

  fire(): void {
    const { lease } = this
    const { core, entry } = lease
    const held = span(core.clock.currentTimeMillisUnsafe() - lease.borrowedAtMillis)
    const site = Site.short(this.site) ?? this.frame?.stack()
    const told = { borrower: this.borrower, ...site !== undefined && { site } }
    if (core.feed !== undefined) {
      tell(core, { _tag: "LeaseOverdue", objectId: entry.id, leaseId: lease.id, held, ...told })
    }
    report(core, "A lease is held longer than leaseWarning", {
      entry,
      lease,
      annotations: { held: Duration.format(held), ...told }
    })
  }

  private get borrower(): string {
    const { fiberId, span } = this
    const process = processOf(this.lease.owner)
    if (process !== undefined) return process
    if (span === undefined) return fiberId === promised.id ? "a promise" : `fiber ${fiberId}`
    return span._tag === "Span" ? `span ${span.name} of trace ${span.traceId}` : `a span of trace ${span.traceId}`
  }
}

/** Warns of a lease that has been granted just now, unless it is given back in time. Only where there is a `leaseWarning`. */
export const watch = <A, D>(
  lease: ActiveLease<A, D>,
  borrower: Borrower,
  site: Site.Site | undefined
): void => {
  const { deadlines, options } = lease.core
  const due = deadlines.now() + options.leaseWarning!
  // a function of the user's that was called as the lease was granted may have ended it
  if (lease.returned) return
  lease.overdue = new Overdue(lease, borrower, site)
  deadlines.set(lease.overdue, due)
}

/** How many leases are held longer than the pool wants, or have expired and not come back: counted when somebody asks. */
export const overdueLeases = <A, D>(core: Core<A, D>): number => {
  const now = core.deadlines.now()
  let overdue = 0
  let left = core.leases
  for (const entry of core.registry.entries) {
    if (left === 0) break
    for (const lease of leasesOf(entry)) {
      left--
      if (lease.over === "Expired" || (lease.overdue !== undefined && lease.overdue.due <= now)) overdue++
    }
  }
  return overdue
}
