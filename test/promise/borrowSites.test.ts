/** Where a lease was borrowed: `captureBorrowSite` names the caller, and nothing of the library. */
import { assert, describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Tracer from "effect/Tracer"
import { PoolService } from "../../src/index.ts"
import { type PackedLease, PromisePool } from "../../src/promise.ts"
import { failure, never } from "../support/promises.ts"

type Pool = PromisePool<string, undefined, PackedLease<string>>

const options = { objects: ["a"], captureBorrowSite: true, leaseWarning: 1, closing: { timeout: 0 } }
const pack = ({ object }: { readonly object: string }) => object

class Plain extends PoolService<Plain, string>()("borrowSites/Plain") {}
class Packed extends PoolService<Packed, string, { pack: string }>()("borrowSites/Packed") {}

const tracer = Layer.succeed(
  Tracer.Tracer,
  Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
)

const pools: Readonly<Record<string, () => Promise<Pool>>> = {
  "a pool": async () => PromisePool.make<string>({ ...options, log: () => {} }),
  "a pool that packs": async () => PromisePool.make<string, undefined, string>({ ...options, pack, log: () => {} }),
  "the pool of a layer": () => PromisePool.fromLayer(Plain, Plain.layer(options)),
  "the pool of a layer that packs": () => PromisePool.fromLayer(Packed, Packed.layer({ ...options, pack })),
  "the pool of a layer that is traced": () =>
    PromisePool.fromLayer(Plain, Layer.provideMerge(Plain.layer(options), tracer)),
  "the pool of a runtime": () => PromisePool.fromRuntime(Plain, ManagedRuntime.make(Layer.fresh(Plain.layer(options))))
}

/** Each `theCaller` is the function whose line is looked for. */
const ways: Readonly<Record<string, (pool: Pool) => unknown>> = {
  "borrow": async function theCaller(pool) {
    await pool.borrow()
  },
  "borrow, with options": async function theCaller(pool) {
    await pool.borrow({ priority: 1 })
  },
  "borrow, called bare": async function theCaller({ borrow }) {
    await borrow()
  },
  "borrow, by await using": async function theCaller(pool) {
    await using _lease = await pool.borrow()
    await never
  },
  "borrowSync": function theCaller(pool) {
    pool.borrowSync()
  },
  "borrowSync, called bare": function theCaller({ borrowSync }) {
    borrowSync({ priority: 1 })
  },
  "with": async function theCaller(pool) {
    await pool.with(() => never)
  },
  "with, with options": async function theCaller(pool) {
    await pool.with(() => never, { priority: 1 })
  },
  "with, called bare": async function theCaller(pool) {
    const { with: use } = pool
    await use(() => never)
  },
  "borrowMany": async function theCaller(pool) {
    await pool.borrowMany(1)
  },
  "withMany": async function theCaller(pool) {
    await pool.withMany(1, () => never)
  }
}

/** Where the first lease that is held too long was borrowed. */
const overdue = async (pool: Pool): Promise<string | undefined> => {
  for await (const event of pool.events()) if (event._tag === "LeaseOverdue") return event.site
  return undefined
}

for (const [what, make] of Object.entries(pools)) {
  describe(`in ${what}`, () => {
    for (const [how, borrow] of Object.entries(ways)) {
      it(`\`${how}\` is where the lease was borrowed`, async () => {
        const pool = await make()
        const site = overdue(pool)
        await new Promise((resolve) => setImmediate(resolve))

        void Promise.resolve(borrow(pool)).catch(() => {})

        const [nearest] = String(await site).split(" < ")
        assert.match(nearest!, /theCaller .*borrowSites\.test\.ts/)
        assert.notMatch(String(await site), /[\\/]src[\\/]/)
        await pool.close()
      })
    }

    it("an error of a borrow has it, also where nobody awaits the promise yet", async () => {
      const pool = await make()
      await pool.borrow()
      const theCaller = () => pool.borrow({ timeout: 2 })
      const theOtherCaller = () => pool.with(() => {}, { timeout: 2 })

      const errors = [await failure(theCaller().finally(() => {})), await failure(theOtherCaller().finally(() => {}))]

      for (const [i, name] of ["theCaller", "theOtherCaller"].entries()) {
        const { stack } = errors[i] as Error
        const frames = String(stack).split("\n").filter((line) => /^\s+at /.test(line))
        assert.match(frames[0]!, new RegExp(`${name} .*borrowSites\\.test\\.ts`), stack)
        assert.isFalse(frames.some((frame) => /[\\/]src[\\/]/.test(frame)), stack)
      }
      await pool.close()
    })
  })
}
