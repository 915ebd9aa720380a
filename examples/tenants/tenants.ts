/**
 * The pool: sessions by tenant, no more of them in all than the server lets in. An idle one of another tenant goes for who
 * needs its room.
 */
import { Context, Duration, Effect, Layer } from "effect"
import { type BorrowError, KeyedPool, type LeaseExpired, type Self } from "../../src/index.ts"
import { type CannotConnect, Session } from "../httpServer/session.ts"
import { Archive, sessions } from "./database.ts"

type Class = "people" | "exports"

const options = Effect.map(Archive, ({ urlOf }) => ({
  name: "tenants/Tenants",
  acquire: (tenant: number, self: Self) =>
    Session.open({
      url: urlOf(tenant),
      application: "tenants",
      statementTimeout: Duration.seconds(30),
      onLost: () => self.invalidate()
    }),
  size: { max: sessions },
  borrowTimeout: "1 minute"
} as const))

export class Tenants extends Context.Service<Tenants, {
  /** Has a session of a tenant when it is the turn of who asks. */
  readonly with: <A, E>(
    as: Class,
    tenant: number,
    f: (session: Session) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | CannotConnect | BorrowError | LeaseExpired>
}>()("tenants/Tenants") {
  /** Who has waited longest, at whatever tenant, comes next. */
  static readonly plain = Layer.effect(
    Tenants,
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make(yield* options)
      return Tenants.of({ with: (_, tenant, f) => pool.with(tenant, ({ object }) => f(object)) })
    })
  )

  /**
   * One session is kept for people. Of those that come free they have four, and exporters have one, as long as both wait; so
   * exporters have what people leave, and that is nearly all.
   */
  static readonly byClass = Layer.effect(
    Tenants,
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        ...yield* options,
        classes: { people: { reserve: 1, weight: 4 }, exports: { weight: 1 } }
      })
      return Tenants.of({ with: (as, tenant, f) => pool.with(tenant, ({ object }) => f(object), { class: as }) })
    })
  )
}
