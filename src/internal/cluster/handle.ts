/**
 * A lease from another process, as a user sees it.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { AllowanceReport } from "../../Allowance.ts"
import type { LeaseExpired } from "../../PoolError.ts"
import type { Fence, PooledPicture, SharedLease } from "../../SharedLease.ts"
import type { Status } from "../../Status.ts"
import { checks } from "../state/validation.ts"
import { shows } from "../structures/picture.ts"
import { aMoment, toMoment } from "../structures/times.ts"
import type { RemoteLease } from "./lease.ts"
import { printed } from "./pictures.ts"
import type { Act } from "./protocol.ts"
import { given, toEndless, toName } from "./words.ts"

export class RemoteHandle<A, D> implements SharedLease<A, D> {
  readonly #lease: RemoteLease<A, D>

  constructor(lease: RemoteLease<A, D>) {
    this.#lease = lease
  }

  get object(): A {
    return this.#lease.grant.object
  }
  get data(): D {
    return this.#lease.grant.pooled.data
  }
  get pooled(): PooledPicture<D> {
    return this.#lease.grant.pooled
  }
  get id(): number {
    return this.#lease.grant.granted.leaseId
  }
  get fence(): Fence {
    return { epoch: this.#lease.session.welcome.epoch, number: this.id }
  }
  get borrowedAt(): DateTime.Utc {
    return this.#lease.moments.borrowedAt
  }
  get expiresAt(): DateTime.Utc | undefined {
    return this.#lease.moments.expiresAt
  }
  get release(): Effect.Effect<void> {
    return Effect.sync(() => this.#lease.giveBack(Exit.void))
  }
  get invalidate(): Effect.Effect<void> {
    return this.told(() => ({ _tag: "Invalidate" }))
  }
  rest(duration: Duration.Input, facet?: string): Effect.Effect<void> {
    return this.told((check) => resting(check.duration("duration", duration, 0, "zero"), toName(check, "facet", facet)))
  }
  restUntil(moment: Status.Moment, facet?: string): Effect.Effect<void> {
    // clocks that are shown may differ between machines: what travels is how long it is until then, by this one
    return this.told((check, now) => {
      const until = toMoment(moment) ?? check.refuse("moment", moment, aMoment)
      return resting(Math.max(0, until - now), toName(check, "facet", facet))
    })
  }
  charge(cost: number, name?: string): Effect.Effect<void> {
    return this.told((check) => ({
      _tag: "Charge",
      cost: isCount(cost) ? cost : check.refuse("charge", cost, "a finite number", "text"),
      ...given({ name: toName(check, "name", name) })
    }))
  }
  get recount(): Effect.Effect<void> {
    return this.told(() => ({ _tag: "Recount" }))
  }
  report(said: AllowanceReport): Effect.Effect<void> {
    return this.told((check, now) => {
      const { name, remaining, resetsAt } = check.known("report", said ?? null, ["name", "remaining", "resetsAt"])
      const resets = resetsAt === undefined
        ? undefined
        : toMoment(resetsAt) ?? check.refuse("report.resetsAt", resetsAt, aMoment, "text")
      return {
        _tag: "Report",
        ...given({
          name: toName(check, "report.name", name),
          remaining: remaining === undefined || isCount(remaining)
            ? remaining
            : check.refuse("report.remaining", remaining, "a number", "text"),
          resetsIn: resets === undefined ? undefined : Math.max(0, resets - now)
        })
      }
    })
  }
  get renew(): Effect.Effect<void, LeaseExpired> {
    return this.#lease.renew
  }
  get detach(): Effect.Effect<A, LeaseExpired, Scope.Scope> {
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => this.#lease.detach(Context.getUnsafe(fiber.context, Scope.Scope)))
    )
  }
  get expired(): Effect.Effect<never, LeaseExpired> {
    return this.#lease.expired
  }

  /** Tells the host something of the object; a lease that is over, or is lost meanwhile, has no say any more. */
  private told(act: (check: ReturnType<typeof checks>, now: number) => Act): Effect.Effect<void> {
    const lease = this.#lease
    const { link, means } = lease.connection
    return Effect.suspend(() => Effect.ignore(lease.act(act(checks(link.pool), means.now().shown))))
  }
}

/** A number that can be counted with. */
const isCount = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER

const resting = (millis: number, facet: string | undefined): Act => ({
  _tag: "Rest",
  duration: toEndless(millis),
  ...(facet === undefined ? {} : { facet })
})

shows(RemoteHandle.prototype, printed)
