/** What must not compile, and why. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import { ObjectPool, type PooledObject, PoolMetrics, PoolService, Selector, Status } from "../../src/index.ts"
import { PromisePool } from "../../src/promise.ts"
import type { Account, Budget, Session } from "./domain.ts"
import { leaseAccount, LoginFailed, openSession, type VaultSealed } from "./domain.ts"

class Sessions extends PoolService<Sessions, Session>()("mail/Sessions") {}
class Accounts extends PoolService<Accounts, Account, { error: VaultSealed; data: Budget }>()("mail/Accounts") {}
class Addresses extends PoolService<Addresses, Account, { pack: string }>()("mail/Addresses") {}

const acquire = openSession

// ---------------------------------------------------------------------------------------------------------- options

// @ts-expect-error a misspelt option
Sessions.layer({ acquire, maxWaiter: 3 })
// @ts-expect-error a misspelt option, where everything is inferred
ObjectPool.make({ acquire, borrowTimout: "1 second" })
// @ts-expect-error a misspelt option, in a tag that infers
PoolService<Sessions>()("mail/Sessions", { acquire, leaseTimeOut: "1 second" })
// @ts-expect-error a misspelt option inside an option
Sessions.layer({ acquire, size: { maximum: 3 } })
// @ts-expect-error a misspelt option inside `detection`
Sessions.layer({ acquire, detection: { onborrow: true } })
// @ts-expect-error no such unit of time
Sessions.layer({ acquire, borrowTimeout: "1 fortnight" })
// @ts-expect-error no such rule for an expired lease
Sessions.layer({ acquire, onLeaseExpired: "ignore" })
// @ts-expect-error a size is a pair of bounds
Sessions.layer({ acquire, size: 3 })
// @ts-expect-error a setting is a Config, not a value
Sessions.layerConfig({ acquire }, { maxWaiters: 3 })
// @ts-expect-error a setting is plain data: a function cannot be read from the environment
Sessions.layerConfig({ acquire }, { detectStatus: Config.String("DETECT_STATUS") })
// @ts-expect-error a misspelt option of one borrow
Sessions.borrowWith({ timeOut: "1 second" })
// @ts-expect-error a misspelt option of one added object
Accounts.add({ address: "a@example.com", dailyQuota: 1 }, { datum: { left: 1 } })

// @ts-expect-error a pool that remembers needs a store
const forgetful: Layer.Layer<Sessions> = Sessions.layer({ acquire, remember: { key: () => "one" } })
// @ts-expect-error nor does one without a tag run without
void Effect.runPromise(Effect.scoped(ObjectPool.make({ objects: ["a"], remember: { key: (object) => object } })))
// @ts-expect-error a key is a text
ObjectPool.make({ objects: [1], remember: { key: (object) => object } })
// @ts-expect-error the store is that of the context
ObjectPool.make({ objects: ["a"], remember: { key: (object) => object, store: new Map() } })
// @ts-expect-error a misspelt option inside `remember`
ObjectPool.make({ objects: ["a"], remember: { keys: (object: string) => object } })
// @ts-expect-error a promise pool that remembers is given its store
PromisePool.make({ objects: ["a"], remember: { key: (object) => object } })
// @ts-expect-error a store of numbers
PromisePool.make({ objects: ["a"], remember: { key: (object) => object, store: new Map<string, number>() } })

// A hook, a detector and a selector are given no scope: it would grow for ever.

const leaves = Effect.addFinalizer(() => Effect.void)
// @ts-expect-error a hook has no scope
const scopedHook: Layer.Layer<Sessions> = Sessions.layer({ acquire, onBorrow: () => leaves })
// @ts-expect-error a hook answers nothing
Sessions.layer({ acquire, onRelease: () => 1 })
// @ts-expect-error a schedule is no duration that one can read from the environment
Sessions.layerConfig({ acquire }, { detection: { every: Config.succeed(Schedule.forever) } })
// @ts-expect-error no such way to close
Sessions.layer({ acquire, closing: { waiters: "wait" } })
// @ts-expect-error a size that is no number
Sessions.resize({ max: "8" })

// ---------------------------------------------------------------------------------------------------- what was declared

// @ts-expect-error the wrong object
Sessions.layer({ acquire: Effect.succeed(1) })
// @ts-expect-error the wrong objects
Sessions.layer({ objects: [1] })
// @ts-expect-error a failure of `acquire` that was not declared
Addresses.layer({ acquire: leaseAccount, pack: () => "" })
// @ts-expect-error declared data must be made
Accounts.layer({ acquire: leaseAccount })
// @ts-expect-error and be the data that was declared
Accounts.layer({ acquire: leaseAccount, data: { left: "1" } })
// @ts-expect-error the data of one added object likewise
Accounts.add({ address: "a@example.com", dailyQuota: 1 }, { data: { left: "1" } })
// @ts-expect-error there is no such data to be laid over the usual
Accounts.add({ address: "a@example.com", dailyQuota: 1 }, { data: { leaft: 1 } })
// @ts-expect-error an effect as data would be kept, and never run
ObjectPool.make({ objects: ["a"], data: Effect.succeed(1) })
// @ts-expect-error nor does a function answer with one
ObjectPool.make({ objects: ["a"], data: (object) => Effect.succeed(object) })
// @ts-expect-error nor in a tag that infers
PoolService<Sessions>()("mail/Sessions", { objects: ["a"], data: () => Effect.succeed(1) })
// @ts-expect-error a declared pack must be made
Addresses.layer({ objects: [] })
// @ts-expect-error and be what was declared
Addresses.layer({ objects: [], pack: ({ object }) => object.dailyQuota })
// @ts-expect-error and fail only as declared
Addresses.layer({ objects: [], pack: () => Effect.fail(new LoginFailed()) })
// @ts-expect-error `Self` is missing
class NoSelf extends PoolService()("mail/NoSelf", { acquire }) {}
// @ts-expect-error neither `acquire` nor `objects` says what is lent
class NoObject extends PoolService<NoObject>()("mail/NoObject", { maxWaiters: 1 }) {}
// @ts-expect-error a misspelt type beside a right one
class OneWrong extends PoolService<OneWrong, Account, { error: VaultSealed; date: Budget }>()("mail/OneWrong") {}
// @ts-expect-error a misspelt type alone
class AllWrong extends PoolService<AllWrong, Account, { date: Budget }>()("mail/AllWrong") {}

// @ts-expect-error `layer` is taken: write `static readonly live = this.layer(…)`
class OwnLayer extends PoolService<OwnLayer, Session>()("mail/OwnLayer") {
  static override readonly layer = Sessions.layer({ acquire })
}

// ------------------------------------------------------------------------------------------------------------ statuses

// @ts-expect-error not an answer
Sessions.layer({ acquire, detectStatus: () => "Ready" })
// @ts-expect-error only the pool says that an object is lent
Sessions.layer({ acquire, detectStatus: () => Effect.succeed("Borrowed" as const) })
// @ts-expect-error a promise is not an answer
Sessions.layer({ acquire, detectStatus: () => Promise.resolve("Available" as const) })

declare const pooled: PooledObject<Session>
// @ts-expect-error the status is the pool's to write
pooled.status = "Invalid"
// @ts-expect-error there is no way back from Invalid
const illegal: Status.Transition = "Invalid -> Available"
// @ts-expect-error no such unit of time
Status.dormant("1 fortnight")

// ------------------------------------------------------------------------------------------------- failures and services

const sent = Sessions.with(({ object }) => object.send("ada@example.com"))

// @ts-expect-error the pool has not been provided
const unprovided: Effect.Effect<number, unknown> = sent
// @ts-expect-error no such failure
sent.pipe(Effect.catchTag("PoolExausted", () => Effect.void))
// @ts-expect-error a borrow without a bracket needs a scope
const unscoped: Effect.Effect<unknown, unknown, Sessions> = Sessions.borrow

const needsScope = Sessions.layer({
  acquire,
  detectStatus: () => Effect.as(Effect.addFinalizer(() => Effect.void), "Available" as const)
})
// @ts-expect-error a detector has no scope of its own: what it adds would stay for as long as the pool
const leaking: Layer.Layer<Sessions> = needsScope

// ----------------------------------------------------------------------------------------------------------- selectors

const byBudget = Selector.weighted((account: PooledObject<Account, Budget>) => account.data.left)

// @ts-expect-error a selector of other objects
Sessions.layer({ acquire, select: byBudget })
// @ts-expect-error a selector over data where there is none
ObjectPool.make({ acquire: leaseAccount, select: byBudget })
// @ts-expect-error a weight is a number
Accounts.layer({ acquire: leaseAccount, data: { left: 1 }, select: { weight: () => "heavy" } })

// ------------------------------------------------------------------------------------------- known limits of inference

const data = ({ dailyQuota }: Account) => ({ left: dailyQuota })

// @ts-expect-error `weighted` does not see an object that is being inferred: write `{ weight }`, or annotate
ObjectPool.make({ acquire: leaseAccount, data, select: Selector.weighted((pooled) => pooled.data.left) })
// @ts-expect-error `data` comes before the callbacks that read it
ObjectPool.make({ acquire: leaseAccount, leaseTimeout: (_) => _.data.left, data: (_) => ({ left: _.dailyQuota }) })

// @ts-expect-error the parameter of a generator must be annotated where the object is being inferred
class Unannotated extends PoolService<Unannotated>()("mail/Unannotated", {
  acquire,
  detectStatus: Effect.fnUntraced(function*(pooled) {
    return (yield* pooled.object.send("")) > 0 ? "Available" as const : "Invalid" as const
  })
}) {}

export {
  AllWrong,
  forgetful,
  illegal,
  leaking,
  NoObject,
  NoSelf,
  OneWrong,
  OwnLayer,
  scopedHook,
  Unannotated,
  unprovided,
  unscoped
}

// ---------------------------------------------------------------------------------------------------------- metrics

class Elsewhere extends Context.Service<Elsewhere, { readonly url: string }>()("app/Elsewhere") {}

// @ts-expect-error the tag of something else
PoolMetrics.layer(Elsewhere)
// @ts-expect-error a layer is no pool
PoolMetrics.register(addresses)

// ---------------------------------------------------------------------------------------------------- promise pools

declare const open: (signal: AbortSignal) => Promise<Session>
declare const elsewhere: ManagedRuntime.ManagedRuntime<Accounts, never>
declare const addresses: Layer.Layer<Addresses>
declare const needy: Layer.Layer<Sessions, never, Accounts>

// @ts-expect-error a misspelt option
PromisePool.make({ acquire: open, borowTimeout: 1 })
// @ts-expect-error no such status
PromisePool.make({ acquire: open, detectStatus: () => "Fine" })
// @ts-expect-error an effect is no promise
PromisePool.make({ objects: ["a"], detectStatus: () => Effect.succeed("Available" as const) })
// @ts-expect-error a weight is a number
PromisePool.make({ objects: ["a"], select: { weight: ({ object }) => object } })
// @ts-expect-error data that is declared has to be given
PromisePool.make<string, number>({ objects: ["a"] })
// @ts-expect-error not an object of this pool
PromisePool.make({ acquire: open }).addSync("a")
// @ts-expect-error the runtime has no such pool
void PromisePool.fromRuntime(Sessions, elsewhere)
// @ts-expect-error the layer needs something itself
void PromisePool.fromLayer(Sessions, needy)
// @ts-expect-error what a tag's `pack` hides, its promise lease does not have
void PromisePool.fromLayer(Addresses, addresses).then((pool) => pool.borrowSync().invalidate())
// @ts-expect-error an effect as data would be kept, and never run
PromisePool.make({ objects: ["a"], data: Effect.succeed(1) })
PromisePool.make({
  objects: ["a"],
  // @ts-expect-error what is packed is not what can be unpacked
  pack: ({ object }) => object.length,
  unpack: (text: string) => void text
})

// ------------------------------------------------------------------------------------------------- a function `acquire`

// @ts-expect-error a failure that was not declared
Sessions.layer({ acquire: () => Effect.andThen(leaseAccount, openSession) })
// @ts-expect-error a promise is no effect
ObjectPool.make({ acquire: async () => "a" })
// @ts-expect-error a rest acts as it is called: it is no effect
Sessions.layer({ acquire: (self) => Effect.tap(openSession, () => self.rest("1 second")) })
