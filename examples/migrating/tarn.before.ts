/** Sessions pooled with tarn. `tarn.after.ts` is the same program with this pool. */
import { Pool } from "tarn"
import { type Session, withServer } from "./session.ts"

await withServer(async (open) => {
  const pool = new Pool<Session>({
    create: open,
    destroy: (session) => session.end(),
    validate: (session) => !session.dead(),
    min: 0,
    max: 2,
    acquireTimeoutMillis: 5_000,
    createTimeoutMillis: 10_000,
    destroyTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    propagateCreateError: true
  })

  const ask = async (word: string) => {
    const session = await pool.acquire().promise
    try {
      return await session.ask(word)
    } finally {
      pool.release(session)
    }
  }
  console.log(await Promise.all(["one", "two", "three", "four"].map(ask)))

  const one = await pool.acquire().promise
  const other = await pool.acquire().promise
  const waiting = pool.acquire()
  waiting.abort()
  await waiting.promise.catch(() => console.log("aborted"))
  await pool.acquire().promise.catch(() => console.log("refused"))
  pool.release(one)
  pool.release(other)
  console.log(pool.numUsed(), "used,", pool.numFree(), "free")

  await pool.destroy()
})
