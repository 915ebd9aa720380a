/** Sessions pooled with lightning-pool. `lightningPool.after.ts` is the same program with this pool. */
import { createPool } from "lightning-pool"
import { type Session, withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = createPool<Session>({
    create: open,
    destroy: (session) => session.end(),
    reset: async (session) => {
      await session.ask("reset")
    },
    validate: async (session) => {
      if (session.dead()) throw new Error("dead")
    }
  }, {
    min: 0,
    minIdle: 0,
    max: 2,
    maxQueue: 10,
    acquireTimeoutMillis: 5_000,
    acquireMaxRetries: 3,
    acquireRetryWait: 100,
    idleTimeoutMillis: 30_000,
    validation: true
  })
  pool.start()

  const ask = async (word: string) => {
    const session = await pool.acquire()
    try {
      return await session.ask(word)
    } finally {
      await pool.releaseAsync(session)
    }
  }
  console.log(await Promise.all(["one", "two", "three", "four"].map(ask)))

  const one = await pool.acquire()
  const other = await pool.acquire()
  await pool.acquire().catch(() => console.log("refused"))
  console.log(pool.acquired, "borrowed,", pool.available, "available")
  await pool.destroyAsync(one) // it is not to be used again
  await pool.releaseAsync(other)

  await pool.closeAsync()
})
