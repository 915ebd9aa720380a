/** The program of `tarn.before.ts` with this pool. */
import { PromisePool } from "../../src/promise.ts"
import { withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = PromisePool.make({
    acquire: open,
    destroy: (session) => session.end(),
    detectStatus: ({ object }) => object.dead() ? "Invalid" : "Available",
    size: { min: 0, max: 2 },
    detection: { onBorrow: true },
    borrowTimeout: 5_000,
    creation: { timeout: "10 seconds" },
    hookTimeout: "5 seconds",
    lifetime: { idleTimeToLive: "30 seconds" }
  })

  const ask = async (word: string) => {
    await using lease = await pool.borrow()
    return await lease.object.ask(word)
  }
  console.log(await Promise.all(["one", "two", "three", "four"].map(ask)))

  const one = await pool.borrow()
  const other = await pool.borrow()
  const controller = new AbortController()
  const waiting = pool.borrow({ signal: controller.signal })
  controller.abort()
  await waiting.catch(() => console.log("aborted"))
  await pool.borrow().catch(() => console.log("refused"))
  await one.release()
  await other.release()
  const { available, borrowed } = pool.stats()
  console.log(borrowed, "used,", available, "free")

  await pool.close()
})
