/**
 * Pictures of records, leases and needs: from what a pool has to what travels, and back to what a user reads.
 */
import * as DateTime from "effect/DateTime"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { HeldLease, PooledPicture, SharedLease } from "../../SharedLease.ts"
import { Handle } from "../lease/handle.ts"
import { moment } from "../state/pooled.ts"
import type { Coder } from "./definition.ts"
import type { Held, Picture } from "./protocol.ts"

/** A field that is left out where there is nothing to say. */
const field = <K extends string, V>(key: K, value: V | undefined): { readonly [_ in K]?: V } =>
  value === undefined ? {} : { [key]: value } as { readonly [_ in K]?: V }

const millis = (at: DateTime.Utc | undefined): number | undefined => at && DateTime.toEpochMillis(at)

/** What travels of a record. Data that its schema does not encode stays away. */
export const draw = <A, D>(pooled: PooledObject<A, D>, data: Coder<D> | undefined): Picture => {
  const { allowances, facets } = pooled
  return {
    id: pooled.id,
    status: pooled.status,
    ...field("data", data?.encode(pooled.data)?.json),
    addedAt: DateTime.toEpochMillis(pooled.addedAt),
    ...field("detectedAt", millis(pooled.detectedAt)),
    ...field("borrowedAt", millis(pooled.borrowedAt)),
    ...field("releasedAt", millis(pooled.releasedAt)),
    ...field("wakesAt", millis(pooled.wakesAt)),
    borrowCount: pooled.borrowCount,
    leases: pooled.leases,
    failures: pooled.failures,
    ...(facets.length === 0
      ? {}
      : { facets: facets.map(({ name, until }) => ({ name, ...field("until", millis(until)) })) }),
    ...(allowances.length === 0 ? {} : {
      allowances: allowances.map(({ fullAt, left, limit, name, unit }) => ({
        name,
        unit,
        limit,
        left,
        ...field("fullAt", millis(fullAt))
      }))
    })
  }
}

/** All pictures that users have: so that one is told from an object of the same fields. */
const pictures = new WeakSet<object>()

/** Is what a user means an object by its picture, and not the object itself? */
export const isPicture = <D>(target: unknown): target is PooledPicture<D> =>
  typeof target === "object" && target !== null && pictures.has(target)

/** What a user reads of a picture that has travelled. */
export const shown = <D>(picture: Picture, data: Coder<D> | undefined): PooledPicture<D> =>
  // without a schema there are no data, and the type of them is `undefined`
  made(picture, data?.decode(picture.data)?.value as D)

const made = <D>(picture: Picture, data: D): PooledPicture<D> => {
  const shown = fields(picture, data)
  pictures.add(shown)
  return shown
}

const fields = <D>(picture: Picture, data: D): PooledPicture<D> => ({
  id: picture.id,
  status: picture.status,
  data,
  addedAt: DateTime.makeUnsafe(picture.addedAt),
  detectedAt: moment(picture.detectedAt),
  borrowedAt: moment(picture.borrowedAt),
  releasedAt: moment(picture.releasedAt),
  wakesAt: moment(picture.wakesAt),
  borrowCount: picture.borrowCount,
  leases: picture.leases,
  failures: picture.failures,
  facets: (picture.facets ?? []).map(({ name, until }) => ({ name, until: moment(until) })),
  allowances: (picture.allowances ?? []).map(({ fullAt, ...rest }) => ({ ...rest, fullAt: moment(fullAt) }))
})

/** A picture within one process: the data as they are. */
export const picture = <A, D>(pooled: PooledObject<A, D>): PooledPicture<D> =>
  made(draw<A, D>(pooled, undefined), pooled.data)

/** Who borrows from another process, in his own words. */
export interface Who {
  readonly borrower: string
  readonly machine: string | undefined
}

export const drawLease = <A, D>(lease: Lease<A, D>, epoch: number, who: Who | undefined): Held => ({
  id: lease.id,
  objectId: lease.pooled.id,
  epoch,
  ...field("borrower", who?.borrower),
  ...field("machine", who?.machine),
  ...field("class", Handle.leaseOf<A, D>(lease)?.ofClass?.account.name),
  borrowedAt: DateTime.toEpochMillis(lease.borrowedAt),
  ...field("expiresAt", millis(lease.expiresAt))
})

export const shownLease = (held: Held): HeldLease => ({
  id: held.id,
  objectId: held.objectId,
  fence: { epoch: held.epoch, number: held.id },
  borrower: held.borrower,
  machine: held.machine,
  class: held.class,
  borrowedAt: DateTime.makeUnsafe(held.borrowedAt),
  expiresAt: moment(held.expiresAt)
})

/** A lease as it prints: neither the object nor its data, since what they say may be a secret. */
export const printed = ({ borrowedAt, expiresAt, fence, id, pooled }: SharedLease<unknown, unknown>) => ({
  _id: "SharedLease",
  id,
  objectId: pooled.id,
  fence,
  borrowedAt,
  expiresAt
})
