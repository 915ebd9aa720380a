/** The program of `lightningPool.before.ts` with this pool. */
import { PromisePool } from "../../src/promise.ts"
import { withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = PromisePool.make({
    acquire: open,
    destroy: (session) => session.end(),
    detectStatus: ({ object }) => object.dead() ? "Invalid" : "Available",
    onRelease: async ({ object }) => {
      await object.ask("reset")
    },
    size: { min: 0, max: 2 },
    maxWaiters: 10,
    borrowTimeout: 5_000,
    creation: { retry: { times: 3, delay: 100, factor: 1 } },
    lifetime: { idleTimeToLive: "30 seconds" },
    detection: { onBorrow: true }
  })

  const ask = async (word: string) => {
    await using lease = await pool.borrow()
    return await lease.object.ask(word)
  }
  console.log(await Promise.all(["one", "two", "three", "four"].map(ask)))

  const one = await pool.borrow()
  const other = await pool.borrow()
  await pool.borrow().catch(() => console.log("refused"))
  const { available, borrowed } = pool.stats()
  console.log(borrowed, "borrowed,", available, "available")
  one.invalidate() // it is not to be used again
  await one.release()
  await other.release()

  await pool.close()
})
