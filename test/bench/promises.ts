/**
 * The promise pools beside each other: what a borrower pays who has no Effect. The base is generic-pool.
 */
import { PromisePool } from "../../src/promise.ts"
import {
  awaited,
  handedOn,
  ourWays,
  type PromisePool as Pool,
  promises,
  type Setup,
  synchronously
} from "./contenders.ts"
import { aloneAwaited, crowdAwaited } from "./cycles.ts"
import { collect, compare, type Contender, now, per, type Row, summarize, timed, turn } from "./harness.ts"
import { awaiting, rounds, survives } from "./waiters.ts"

const [, ...others] = promises

const roleOf = ({ name, role }: Pool): Contender["role"] =>
  name === "generic-pool" ? "base" : name.startsWith("floor") ? "floor" : role

/** So many who borrow by promises, each of whom holds what he gets for a turn of the microtasks; or one, who does not. */
export const promised = (many: number, setup: Omit<Setup, "size"> = {}) => async (): Promise<ReadonlyArray<Row>> => {
  const contenders: Array<Contender> = []
  if (many === 1) contenders.push(await synchronously({ size: 10, ...setup }))
  for (const each of [...ourWays, ...others.slice(0, -1), many === 1 ? others.at(-1)! : handedOn]) {
    const contender = await awaited(each, { size: 10, ...setup }, many === 1 ? aloneAwaited : crowdAwaited(many))
    contenders.push({ ...contender, role: roleOf(each) })
  }
  const rows = await compare(contenders, {
    rounds: many === 1000 ? 9 : 21,
    sample: 10e6,
    ...many === 1 ? {} : { times: 1, warmUp: [1, 1, 1, 1, 1, 1] }
  })
  return many === 1 ? rows : per(many * 200, rows)
}

/** So many who wait for one object, and are served one after another, or time out at once. */
export const promisedWaiters = (ending: "served" | "timed out", n: number) => async () => {
  const contenders: Array<Contender> = []
  for (const each of [...ourWays.slice(0, 1), ...others]) {
    if (survives(each, ending, n)) contenders.push({ ...await awaiting(each, ending), role: roleOf(each) })
  }
  return per(
    1000,
    await compare(contenders, { rounds: rounds(n), sample: 0, times: n, warmUp: [1000, 1000, 1000, 1000] })
  )
}

/** So many who wait for one object, each with a signal, and are aborted at once. Of the others, none has that. */
export const promisedAborts = (n: number) => async () => {
  const pool = PromisePool.make({ objects: [{}], borrowTimeout: "Infinity" })
  const abortAll = (wait: (signal: AbortSignal) => Promise<unknown>): Contender["run"] => async (times) => {
    const controllers = Array.from({ length: times }, () => new AbortController())
    const all = Promise.all(controllers.map(({ signal }) => wait(signal).catch(() => {})))
    await turn()
    collect()
    const start = now()
    for (const controller of controllers) controller.abort("aborted")
    await all
    return now() - start
  }
  const lease = await pool.borrow()
  const contenders: ReadonlyArray<Contender> = [
    { name: "`PromisePool.with`", role: "ours", run: abortAll((signal) => pool.with(() => {}, { signal })) },
    {
      name: "floor: promises that are rejected by their signals",
      role: "floor",
      run: abortAll((signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true })
        })
      )
    }
  ]
  const rows = await compare(contenders, { rounds: rounds(n), sample: 0, times: n, warmUp: [1000, 1000, 1000, 1000] })
  await lease.release()
  await pool.close()
  return per(1000, rows)
}

const used = async (): Promise<number> => {
  const { gc } = globalThis as { readonly gc?: () => void }
  for (let i = 0; i < 3; i++) {
    await turn()
    gc?.()
  }
  return process.memoryUsage().heapUsed / 1e6
}

/** The heap of a process in which a hundred borrow ten million times: after each million. */
export const soaked = async (): Promise<ReadonlyArray<Row>> => {
  const million = 1_000_000
  const pool = PromisePool.make({ acquire: () => ({}), size: { max: 10 }, leaseTimeout: "1 minute" })
  const crowd = crowdAwaited(100)((body) => pool.with((_object) => body()))
  const rows: Array<Row> = []
  for (let done = 0; done <= 10; done++) {
    const took = done === 0 ? 0 : await timed(async () => {
      for (let i = 0; i < million; i += 100 * 200) await crowd()
    })
    const [row] = summarize([{ name: `after ${done} million`, role: "ours", samples: [await used()] }])
    rows.push({ ...row!, more: { "ns each": done === 0 ? "" : (took / million).toFixed(0) } })
  }
  await pool.close()
  return rows
}
