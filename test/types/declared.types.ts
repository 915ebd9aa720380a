/** A pool declared by its interface; its layer comes later. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { expectTypeOf } from "vitest"
import {
  type BorrowError,
  type BorrowTimeout,
  type Lease,
  type LeaseExpired,
  type ObjectPool,
  type PoolClosed,
  type PooledObject,
  type PoolExhausted,
  PoolService,
  Selector,
  Status
} from "../../src/index.ts"
import type { Account, Budget, LoginFailed, Rejected, Session, Vault, VaultSealed } from "./domain.ts"
import { Dice, Inspector, leaseAccount, openSession, Signer, TooManyMails } from "./domain.ts"

// A tag of objects alone: borrowing gives leases, and fails only as every borrow does.

class Sessions extends PoolService<Sessions, Session>()("mail/Sessions") {}

expectTypeOf(Sessions.borrow).toEqualTypeOf<
  Effect.Effect<Lease<Session>, PoolExhausted | BorrowTimeout | PoolClosed | LeaseExpired, Sessions | Scope.Scope>
>()
expectTypeOf(Sessions.tryBorrow).toEqualTypeOf<typeof Sessions.borrow>()
expectTypeOf(Sessions.tryBorrowWith({ leaseTimeout: "1 second" })).toEqualTypeOf<typeof Sessions.borrow>()
expectTypeOf(Sessions.borrowWith({ timeout: "1 second", priority: 2 })).toEqualTypeOf<typeof Sessions.borrow>()

const SessionsLayer = Sessions.layer({ acquire: openSession, size: { min: 1, max: 4 } })
expectTypeOf(SessionsLayer).toEqualTypeOf<Layer.Layer<Sessions>>()

class WithLayer extends PoolService<WithLayer, Session>()("mail/WithLayer") {
  static readonly live = this.layer({ acquire: openSession })
}
expectTypeOf(WithLayer.live).toEqualTypeOf<Layer.Layer<WithLayer>>()

// `with` adds what the body fails with and needs, and takes no scope.

const sent = Sessions.with(({ object }) => object.send("ada@example.com"), { leaseTimeout: "5 seconds" })
expectTypeOf(sent).toEqualTypeOf<Effect.Effect<number, Rejected | BorrowError | LeaseExpired, Sessions>>()

const rolled = Sessions.with(() => Dice.use((dice) => dice.roll(6)))
expectTypeOf<Effect.Services<typeof rolled>>().toEqualTypeOf<Sessions | Dice>()

const recovered = sent.pipe(
  Effect.catchTags({
    PoolExhausted: ({ reason, stats }) => {
      expectTypeOf(reason).toEqualTypeOf<
        "NoneAvailable" | "WaitersFull" | "Suspended" | "Resting" | "CostTooHigh" | "Overloaded" | "NoRoom"
      >()
      return Effect.succeed(stats.waiting)
    },
    BorrowTimeout: ({ held, phase }) => {
      expectTypeOf(phase).toEqualTypeOf<"Waiting" | "Acquiring" | "Detecting">()
      return Effect.succeed(held)
    }
  }),
  Effect.catchTag(["PoolClosed", "LeaseExpired"], ({ stats }) => Effect.succeed(stats.size))
)
expectTypeOf(recovered).toEqualTypeOf<Effect.Effect<number, Rejected, Sessions>>()
expectTypeOf(Effect.provide(recovered, SessionsLayer)).toEqualTypeOf<Effect.Effect<number, Rejected>>()

// The tag is a service: it gives the pool.

const program = Effect.gen(function*() {
  const pool = yield* Sessions
  expectTypeOf(pool).toEqualTypeOf<ObjectPool<Session>>()
  const lease = yield* pool.borrow
  const detached = yield* lease.detach
  yield* lease.rest("30 seconds")
  return yield* detached.send("grace@example.com")
})
expectTypeOf<Effect.Services<typeof program>>().toEqualTypeOf<Sessions | Scope.Scope>()
expectTypeOf<Effect.Error<typeof program>>().toEqualTypeOf<Rejected | BorrowError | LeaseExpired>()

// A tag that says what else it carries: a failure of `acquire`, data.

class Accounts extends PoolService<Accounts, Account, { error: VaultSealed; data: Budget }>()("mail/Accounts") {}

expectTypeOf<Effect.Success<typeof Accounts.borrow>>().toEqualTypeOf<Lease<Account, Budget>>()
expectTypeOf<Effect.Error<typeof Accounts.borrow>>().toEqualTypeOf<VaultSealed | BorrowError>()

const AccountsLayer = Accounts.layer({
  acquire: leaseAccount,
  data: (account) => ({ left: account.dailyQuota }),
  select: Selector.weighted((pooled) => pooled.data.left),
  leaseTimeout: ({ data }) => data.left > 10 ? "1 minute" : "10 seconds",
  detectStatus: ({ data, object }) =>
    Effect.gen(function*() {
      const inspector = yield* Inspector
      return (yield* inspector.inspect(object.address)) && data.left > 0 ? "Available" : Status.dormant("1 hour")
    }),
  detection: { onAdd: false, onBorrow: { trustFor: "2 seconds" }, onRelease: true, concurrency: 3, timeout: 500 }
})
expectTypeOf(AccountsLayer).toEqualTypeOf<Layer.Layer<Accounts, never, Vault | Inspector>>()

expectTypeOf(Accounts.borrowWith({ where: ({ data }) => data.left > 1 })).toEqualTypeOf<typeof Accounts.borrow>()

const cooledDown = Accounts.with((lease) =>
  Effect.fail(new TooManyMails({ retryAfter: 60 })).pipe(
    Effect.tapError((error) => lease.rest(`${error.retryAfter} seconds`))
  )
)
expectTypeOf<Effect.Error<typeof cooledDown>>().toEqualTypeOf<
  TooManyMails | VaultSealed | BorrowError | LeaseExpired
>()

expectTypeOf(Accounts.add({ address: "a@example.com", dailyQuota: 1 }, {
  data: { left: 1 },
  release: () => Effect.asVoid(Signer)
})).toExtend<Effect.Effect<PooledObject<Account, Budget>, unknown, Accounts | Signer>>()
expectTypeOf<Effect.Success<typeof Accounts.objects>>().toEqualTypeOf<ReadonlyArray<PooledObject<Account, Budget>>>()
expectTypeOf<Effect.Success<typeof Accounts.leases>>().toEqualTypeOf<ReadonlyArray<Lease<Account, Budget>>>()

// A detector may be a generator: the declared object types its parameter.

expectTypeOf(Sessions.layer({
  acquire: openSession,
  detectStatus: Effect.fnUntraced(function*(pooled) {
    expectTypeOf(pooled).toEqualTypeOf<PooledObject<Session>>()
    return (yield* pooled.object.send("postmaster@example.com")) > 0 ? "Available" as const : "Invalid" as const
  })
})).toEqualTypeOf<Layer.Layer<Sessions>>()

// A tag that says what a borrower gets: made plainly, or with an effect in the lease's own scope.

class Addresses extends PoolService<Addresses, Account, { pack: string; error: LoginFailed }>()("mail/Addresses") {}

expectTypeOf<Effect.Success<typeof Addresses.borrow>>().toEqualTypeOf<string>()
expectTypeOf(Addresses.with((address) => Effect.succeed(address.length))).toEqualTypeOf<
  Effect.Effect<number, LoginFailed | BorrowError | LeaseExpired, Addresses>
>()
expectTypeOf(Addresses.layer({ objects: [], pack: ({ object }) => object.address })).toEqualTypeOf<
  Layer.Layer<Addresses>
>()
expectTypeOf(Addresses.layer({
  objects: new Set<Account>(),
  pack: ({ object }) =>
    Effect.acquireRelease(Signer.use((signer) => signer.sign(object.address)), () => Effect.asVoid(Dice))
})).toEqualTypeOf<Layer.Layer<Addresses, never, Signer | Dice>>()
