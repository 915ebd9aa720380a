/**
 * Who comes in next: as many places as the server has sessions, each held as long as one request takes.
 *
 * The places are of no tenant, so that the classes are of all tenants together. Whoever has a place has a session as soon as
 * it is there: no more sessions are lent than there are places, and an idle one of another tenant goes for who needs its room.
 */
import { Context, Effect, Layer } from "effect"
import { type BorrowError, type LeaseExpired, ObjectPool } from "../../src/index.ts"
import { sessions } from "./database.ts"

export type Class = "people" | "exports"

const options = {
  name: "tenants/Places",
  objects: Array.from({ length: sessions }, (_, i) => i),
  borrowTimeout: "1 minute"
} as const

export class Places extends Context.Service<Places, {
  /** Runs a request when it is its turn. */
  readonly take: <A, E, R>(
    as: Class,
    request: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | BorrowError | LeaseExpired, R>
}>()("tenants/Places") {
  /** Who has waited longest comes next. */
  static readonly plain = Layer.effect(
    Places,
    Effect.map(ObjectPool.make(options), (places) => Places.of({ take: (_, request) => places.with(() => request) }))
  )

  /**
   * One place is kept for people. Of those that come free they have four, and exporters have one, as long as both wait; so
   * exporters have what people leave, and that is nearly all.
   */
  static readonly byClass = Layer.effect(
    Places,
    Effect.map(
      ObjectPool.make({ ...options, classes: { people: { reserve: 1, weight: 4 }, exports: { weight: 1 } } }),
      (places) => Places.of({ take: (as, request) => places.with(() => request, { class: as }) })
    )
  )
}
