/** The program of `genericPool.before.ts` with this pool. */
import { PromisePool } from "../../src/promise.ts"
import { withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = PromisePool.make({
    acquire: open,
    destroy: (session) => session.end(),
    detectStatus: ({ object }) => object.dead() ? "Invalid" : "Available",
    size: { min: 1, max: 2 },
    detection: { onBorrow: true },
    maxWaiters: 10,
    borrowTimeout: 5_000,
    lifetime: { idleTimeToLive: "30 seconds" }
  })

  const words = ["one", "two", "three", "four"]
  console.log(await Promise.all(words.map((word) => pool.with((session) => session.ask(word)))))

  const one = await pool.borrow()
  const other = await pool.borrow()
  try {
    await pool.borrow()
  } catch {
    console.log("refused")
  }
  one.invalidate() // it is not to be used again
  await one.release()
  await other.release()
  console.log(await pool.with((session) => session.ask("five")))

  await pool.close()
})
