/** A pool declared by its options: everything is inferred, and `layer` is a value. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { expectTypeOf } from "vitest"
import {
  type BorrowError,
  type InvalidPoolOptions,
  type Lease,
  type ObjectPool,
  type PooledObject,
  PoolService,
  Selector,
  Status
} from "../../src/index.ts"
import type { Account, LoginFailed, Session, Vault, VaultSealed } from "./domain.ts"
import { Dice, Inspector, leaseAccount, openSession, Signer } from "./domain.ts"

// `acquire` gives the object, its failures and what the layer needs; its scope is the pool's affair.

class Accounts extends PoolService<Accounts>()("mail/Accounts", { acquire: leaseAccount, size: { max: 3 } }) {}

expectTypeOf(Accounts.layer).toEqualTypeOf<Layer.Layer<Accounts, never, Vault>>()
expectTypeOf(Accounts.borrow).toEqualTypeOf<
  Effect.Effect<Lease<Account>, VaultSealed | BorrowError, Accounts | Scope.Scope>
>()
expectTypeOf<Accounts["Service"]>().toEqualTypeOf<ObjectPool<Account, undefined, VaultSealed>>()

// Every callback sees the object and its data, and adds what it needs.

class Signed extends PoolService<Signed>()("mail/Signed", {
  acquire: leaseAccount,
  data: (account) => ({ left: account.dailyQuota }),
  select: { weight: (pooled) => pooled.data.left },
  leaseTimeout: (pooled) => pooled.data.left,
  pack: ({ data, object }) =>
    Effect.map(
      Signer.use((signer) => signer.sign(object.address)),
      (signature) => ({ signature, left: data.left })
    ),
  detectStatus: ({ data, object }) =>
    data.left === 0
      ? Effect.succeed("Invalid" as const)
      : Effect.map(Inspector.use((_) => _.inspect(object.address)), (ok) => ok ? "Available" : "Dormant")
}) {}

expectTypeOf<Effect.Success<typeof Signed.borrow>>().toEqualTypeOf<{ signature: string; left: number }>()
expectTypeOf<Effect.Error<typeof Signed.borrow>>().toEqualTypeOf<VaultSealed | LoginFailed | BorrowError>()
expectTypeOf(Signed.layer).toEqualTypeOf<Layer.Layer<Signed, never, Vault | Signer | Inspector>>()

// Objects that were there before, data that is the same for all, a choice of one's own.

class Senders extends PoolService<Senders>()("mail/Senders", {
  objects: [{ address: "a@example.com", dailyQuota: 10 }],
  data: { country: "nl" },
  select: (available) => Effect.map(Dice.use((dice) => dice.roll(available.length)), (side) => available[side]),
  pack: (lease) => lease.data.country,
  detectStatus: (pooled) => pooled.object.dailyQuota > 0 ? "Available" : Status.dormant("1 day")
}) {}

expectTypeOf<Effect.Success<typeof Senders.borrow>>().toEqualTypeOf<string>()
expectTypeOf(Senders.layer).toEqualTypeOf<Layer.Layer<Senders, never, Dice>>()
expectTypeOf(Senders.layerConfig({ maxWaiters: Config.Int("MAX_WAITERS") })).toEqualTypeOf<
  Layer.Layer<Senders, Config.ConfigError | InvalidPoolOptions, Dice>
>()

class Chosen extends PoolService<Chosen>()("mail/Chosen", {
  acquire: openSession,
  select: Selector.make((available: ReadonlyArray<PooledObject<Session>>) => Effect.as(Dice, available[0]))
}) {}

expectTypeOf(Chosen.layer).toEqualTypeOf<Layer.Layer<Chosen, never, Dice>>()

// A detector may be a generator; its parameter is annotated, since the object is still being inferred.

class Checked extends PoolService<Checked>()("mail/Checked", {
  acquire: openSession,
  detectStatus: Effect.fnUntraced(function*(pooled: PooledObject<Session>) {
    yield* Inspector
    return (yield* pooled.object.send("postmaster@example.com")) > 0 ? "Available" as const : "Unknown" as const
  })
}) {}

expectTypeOf(Checked.layer).toEqualTypeOf<Layer.Layer<Checked, never, Inspector>>()
