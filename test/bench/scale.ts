/**
 * Case 9: what happens to very many at once, or beside very many. For each: the time for one of them, how many times that
 * is of what it takes with a tenth of them, and the longest that the event loop is held up.
 *
 * Each is measured in a thread of its own, which can be ended where it takes too long. Times are those that the thread has
 * computed: they do not grow while other processes have its core.
 */
import { Worker } from "node:worker_threads"
import { crises, type Crisis } from "./crises.ts"
import { median, type Row } from "./harness.ts"
import type { Measured, Task } from "./scaleWorker.ts"
import { format } from "./table.ts"

/** What is wanted: no more times as much for one of ten times as many, and no longer hold in milliseconds. */
const target = { growth: 3, hold: 10 }

/** Milliseconds that a thread has for everything. */
const patience = 300_000

const measured = (task: Task): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./scaleWorker.ts", import.meta.url), { workerData: task })
    const timer = setTimeout(() => {
      resolve({ each: 1000 * patience / task.n, holds: [NaN], cutOff: true })
      void worker.terminate()
    }, patience)
    worker.on("message", resolve)
    worker.on("error", reject)
    worker.on("exit", () => {
      clearTimeout(timer)
      reject(new Error(`nothing was measured of ${task.n} ${task.name}`))
    })
  })

/** In bold where it is not what is wanted. */
const judged = (isMet: boolean, text: string): string => isMet ? text : `**${text}**`

const rowOf = async (group: Task["group"], name: string, { each, n }: Crisis): Promise<Row> => {
  const few = await measured({ group, name, n: n / 10 })
  const many = await measured({ group, name, n })
  const growth = many.each / few.each
  const hold = median(many.holds)
  return {
    name: `${format(n)} ${name}`,
    role: "peer",
    value: many.each,
    quartiles: [many.each, many.each],
    ratio: undefined,
    overFloor: undefined,
    cutOff: many.cutOff,
    more: {
      "for one": each,
      "with a tenth of them": `${few.cutOff ? "> " : ""}${format(few.each)}`,
      growth: judged(growth <= target.growth && !many.cutOff, `${many.cutOff ? "> " : ""}${growth.toFixed(1)} ×`),
      "longest hold, ms": judged(hold <= target.hold, hold.toFixed(1))
    }
  }
}

export const scale = (group: Task["group"]) => async (): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (const [name, crisis] of Object.entries(crises[group])) rows.push(await rowOf(group, name, crisis))
  return rows
}
