/** Sessions pooled with generic-pool. `genericPool.after.ts` is the same program with this pool. */
import { createPool } from "generic-pool"
import { withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = createPool({
    create: open,
    destroy: (session) => session.end(),
    validate: async (session) => !session.dead()
  }, {
    min: 1,
    max: 2,
    testOnBorrow: true,
    maxWaitingClients: 10,
    acquireTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    evictionRunIntervalMillis: 5_000
  })

  const words = ["one", "two", "three", "four"]
  console.log(await Promise.all(words.map((word) => pool.use((session) => session.ask(word)))))

  const one = await pool.acquire()
  const other = await pool.acquire()
  try {
    await pool.acquire()
  } catch {
    console.log("refused")
  }
  await pool.destroy(one) // it is not to be used again
  await pool.release(other)
  console.log(await pool.use((session) => session.ask("five")))

  await pool.drain()
  await pool.clear()
})
