/**
 * Open leases, and in whose name they were borrowed.
 */
import type * as Fiber from "effect/Fiber"
import type { ActiveLease } from "../lease/lease.ts"
import { type Borrower, promised } from "./borrower.ts"
import type { Core } from "./core.ts"

/** Open leases, in no order. */
const openLeases = <A, D>(core: Core<A, D>): Array<ActiveLease<A, D>> => {
  const open: Array<ActiveLease<A, D>> = []
  for (const { lease, others } of core.registry.entries) {
    if (lease !== undefined) open.push(lease)
    if (others !== undefined) { for (const other of others) open.push(other) }
  }
  return open
}

/** Open leases, in order of their id. */
export const leases = <A, D>(core: Core<A, D>): Array<ActiveLease<A, D>> => openLeases(core).sort((a, b) => a.id - b.id)

/** Fibers that run the body or the pack of a lease while the borrower's fiber waits for them, and in whose name. */
const standIns = new Map<number, number>()

/** In whose name somebody borrows: his own; or that of the fiber for which his stands in. */
export const nameOf = ({ id }: Pick<Borrower, "id">): number => standIns.size === 0 ? id : standIns.get(id) ?? id

/**
 * A fiber borrows in the name of another that waits for it, until {@link standDown}. What is forked there, and goes on by
 * itself, does not.
 */
export const standIn = (fiber: Pick<Fiber.Fiber<unknown, unknown>, "id">, above: Pick<Borrower, "id">): void => {
  standIns.set(fiber.id, nameOf(above))
}

export const standDown = (fiber: Pick<Fiber.Fiber<unknown, unknown>, "id">): void => {
  standIns.delete(fiber.id)
}

/**
 * How many open leases each borrower has. The counts are kept only while somebody asks for them: they are built by a walk
 * over the objects, and dropped when more leases have begun or ended since they were last asked for than the walk saw.
 */
export class Owners {
  private readonly counts = new Map<number, number>()
  private readonly cost: number
  private changes = 0

  constructor(open: ReadonlyArray<{ readonly owner: number }>, cost: number) {
    this.cost = cost
    for (const { owner } of open) this.add(owner, 1)
  }
  of(owner: number): number {
    this.changes = 0
    return this.counts.get(owner) ?? 0
  }
  /** Counts a lease that has begun, or ended. `false`: nobody has asked for long, and the counts may be dropped. */
  note(owner: number, change: 1 | -1): boolean {
    this.add(owner, change)
    return ++this.changes <= this.cost
  }
  private add(owner: number, change: number): void {
    const count = (this.counts.get(owner) ?? 0) + change
    if (count === 0) this.counts.delete(owner)
    else this.counts.set(owner, count)
  }
}

/** A lease has begun, or ended. Only where there are owners. */
export const own = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, change: 1 | -1): void => {
  if (!core.owners!.note(lease.owner, change)) core.owners = undefined
}

/** How many open leases one fiber has. Of a process nobody knows which of its fibers has which. */
export const held = <A, D>(core: Core<A, D>, fiber: Fiber.Fiber<unknown, unknown>): number => {
  const owner = nameOf(fiber)
  if (core.leases === 0 || owner < promised.id) return 0
  core.owners ??= new Owners(openLeases(core), core.registry.size + core.leases)
  return core.owners.of(owner)
}
