/** What must work wherever the package runs: both of its faces, their time-outs, and the blocks that give back. */
import { Effect } from "effect"
import { ObjectPool, PoolService } from "effect-object-pool"
import { BorrowTimeout, LeaseExpired, PoolClosed, PoolExhausted, PromisePool } from "effect-object-pool/promise"

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`This does not hold: ${what}`)
}

class Numbers extends PoolService<Numbers, number>()("smoke/Numbers") {}

let n = 0
let destroyed = 0
const NumbersLayer = Numbers.layer({
  acquire: Effect.acquireRelease(Effect.sync(() => ++n), () => Effect.sync(() => destroyed++)),
  size: { max: 1 }
})

const program = Effect.gen(function*() {
  const lease = yield* Numbers.borrow
  must(lease.object === 1, "an object is made, and lent")
  const timedOut = yield* Effect.flip(Numbers.with(() => Effect.void, { timeout: "20 millis" }))
  must(timedOut instanceof BorrowTimeout, "a borrow times out")
  yield* lease.release
  const expired = yield* Effect.flip(Numbers.with(() => Effect.never, { leaseTimeout: "20 millis" }))
  must(expired instanceof LeaseExpired, "a lease expires")
  yield* Numbers.close
  must(destroyed === 1, "what has expired is destroyed")
  must((yield* Effect.flip(Numbers.borrow)) instanceof PoolClosed, "a pool closes")
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NumbersLayer)))

const synchronous = Effect.scoped(Effect.flatMap(ObjectPool.make({ objects: ["a"] }), (pool) => pool.borrow))
must(Effect.runSync(Effect.scoped(Effect.map(synchronous, (lease) => lease.object))) === "a", "nothing suspends")

const attempt = async (what: () => unknown): Promise<unknown> => {
  try {
    return await what()
  } catch (error) {
    return error
  }
}

{
  await using pool = PromisePool.make({
    acquire: async () => ({ name: "made" }),
    destroy: async () => void destroyed++,
    size: { max: 1 },
    detection: { every: "1 hour" },
    lifetime: { idleTimeToLive: "1 hour" }
  })
  {
    await using lease = await pool.borrow()
    must(lease.object.name === "made", "a promise pool lends")
    must(await attempt(() => pool.borrow({ timeout: 20 })) instanceof BorrowTimeout, "a borrow of it times out")
    must(await attempt(() => pool.borrowSync()) instanceof PoolExhausted, "a borrow that does not wait is refused")
    must(await attempt(() => pool.borrow({ signal: AbortSignal.abort("why") })) === "why", "a borrow is aborted")
  }
  {
    using lease = pool.borrowSync()
    must(lease.object.name === "made", "it lends at once")
  }
  const expired = await attempt(() => pool.with(() => new Promise(() => {}), { leaseTimeout: 20 }))
  must(expired instanceof LeaseExpired, "a lease of it expires")
  must(await pool.with(({ name }) => name) === "made", "it goes on")
  const isSignal = (given: unknown) => given instanceof AbortSignal
  const bodies: ReadonlyArray<(object: object, signal: AbortSignal) => boolean> = [
    (...args) => isSignal(args[1]),
    (_, ...rest) => isSignal(rest[0]),
    function(_object) {
      return isSignal(arguments[1])
    },
    ((...args: ReadonlyArray<unknown>) => isSignal(args[1])).bind(undefined)
  ]
  for (const body of bodies) must(await pool.with(body), "a body is given its signal, however it is written")
}
must(destroyed === 3, "what it made is destroyed when it closes")

// timers that nobody waits for do not keep the process alive
const left = PromisePool.make({ objects: ["a"], detectStatus: () => "Available", detection: { every: "1 hour" } })
await left.borrow({ leaseTimeout: "1 hour" })

console.log("ok")
