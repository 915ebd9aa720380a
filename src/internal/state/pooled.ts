/**
 * The record of an object as users see it: it reads what its entry says, and nothing can be written, or reached, by it.
 */
import * as DateTime from "effect/DateTime"
import type { AllowanceState } from "../../Allowance.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { Status } from "../../Status.ts"
import { shows } from "../structures/picture.ts"
import type { Core } from "./core.ts"
import type { Entry } from "./entry.ts"

/** No time. A fraction, since V8 converts each of the objects that exist when a field gets its first fraction. */
export const never = -0.5

/** A moment to show; none where there is none, or where it is beyond what a date can say. */
export const moment = (millis: number | undefined): DateTime.Utc | undefined =>
  millis === undefined || millis === never || millis > 8.64e15 ? undefined : DateTime.makeUnsafe(millis)

/** The same moment for those who have no `DateTime`. */
export const date = (moment: DateTime.Utc | undefined): Date | undefined => moment && DateTime.toDate(moment)

export class Pooled<A, D> implements PooledObject<A, D> {
  readonly #entry: Entry<A, D>

  constructor(entry: Entry<A, D>) {
    this.#entry = entry
  }

  /** The entry of a record; none of anything else. */
  static entryOf<A, D>(target: unknown): Entry<A, D> | undefined {
    return typeof target === "object" && target !== null && #entry in target
      ? target.#entry as unknown as Entry<A, D>
      : undefined
  }

  get object(): A {
    return this.#entry.object
  }
  get data(): D {
    return this.#entry.data
  }
  get id(): number {
    return this.#entry.id
  }
  get status(): Status {
    return this.#entry.status
  }
  get addedAt(): DateTime.Utc {
    return DateTime.makeUnsafe(this.#entry.addedAtMillis)
  }
  get detectedAt(): DateTime.Utc | undefined {
    return moment(this.#entry.detectedAtMillis)
  }
  get borrowedAt(): DateTime.Utc | undefined {
    return moment(this.#entry.borrowedAtMillis)
  }
  get releasedAt(): DateTime.Utc | undefined {
    return moment(this.#entry.releasedAtMillis)
  }
  get borrowCount(): number {
    return this.#entry.borrowCount
  }
  get leases(): number {
    return this.#entry.open
  }
  get failures(): number {
    return this.#entry.failures
  }
  get facets(): PooledObject<A, D>["facets"] {
    return this.#entry.facets?.resting ?? []
  }
  get allowances(): ReadonlyArray<AllowanceState> {
    return this.#entry.allowances?.states ?? []
  }
  get wakesAt(): DateTime.Utc | undefined {
    return moment(this.#entry.wakesAtMillis)
  }
  get dates(): PooledObject<A, D>["dates"] {
    return {
      addedAt: DateTime.toDate(this.addedAt),
      detectedAt: date(this.detectedAt),
      borrowedAt: date(this.borrowedAt),
      releasedAt: date(this.releasedAt),
      wakesAt: date(this.wakesAt)
    }
  }
}

/** What users see of an object of one key among many says the key. */
export const sayKey = <A, D>(core: Core<A, D>, pooled: PooledObject<A, D>): void => {
  if (core.place !== undefined) Object.defineProperty(pooled, "key", { value: core.place.key })
}

// neither the object nor its data: what they say may be a secret
shows(Pooled.prototype, ({ addedAt, borrowCount, borrowedAt, detectedAt, id, releasedAt, status, wakesAt }) => ({
  _id: "PooledObject",
  id,
  status,
  addedAt,
  detectedAt,
  borrowedAt,
  releasedAt,
  borrowCount,
  wakesAt
}))
