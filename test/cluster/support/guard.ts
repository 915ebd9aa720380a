/**
 * A resource that several processes use, one at a time: it remembers the highest fence of each object, refuses what has an
 * older one, and records by its own clock from when to when each lease has used an object. What uses it waits for its
 * answer; so of two leases of one object that were never held at once, one has been seen for the last time before the other
 * is seen for the first time.
 */
import { once } from "node:events"
import { createServer } from "node:net"
import { createInterface } from "node:readline"
import { now, tell, told } from "./processes.ts"

/** A line from a user. */
export interface Use {
  readonly object: string
  readonly epoch: number
  readonly number: number
}
export interface Interval {
  readonly object: string
  readonly epoch: number
  readonly number: number
  readonly from: number
  readonly to: number
}
export interface Report {
  readonly type: "report"
  readonly accepted: number
  readonly refused: number
  /** Pairs of leases of one object that were seen using it at the same time. */
  readonly overlaps: ReadonlyArray<readonly [Interval, Interval]>
  /** Fences, in the order in which they were first seen, that were not higher than all before of their object. */
  readonly backwards: number
  readonly intervals: ReadonlyArray<Interval>
}
export type GuardEvent = { readonly type: "ready"; readonly port: number } | Report
export interface GuardCommand {
  readonly type: "report"
}

if (process.argv[1] === import.meta.filename) {
  const highest = new Map<string, Use>()
  const intervals = new Map<string, { object: string; epoch: number; number: number; from: number; to: number }>()
  let accepted = 0
  let refused = 0
  let backwards = 0
  const use = ({ epoch, number, object }: Use): boolean => {
    const at = now()
    const top = highest.get(object)
    const stale = top !== undefined && (epoch < top.epoch || (epoch === top.epoch && number < top.number))
    const key = `${object} ${epoch} ${number}`
    const interval = intervals.get(key)
    if (interval === undefined) {
      if (stale) backwards++
      intervals.set(key, { object, epoch, number, from: at, to: at })
    } else {
      interval.to = at
    }
    if (stale) {
      refused++
      return false
    }
    highest.set(object, { object, epoch, number })
    accepted++
    return true
  }
  const overlaps = (): Report["overlaps"] => {
    const found: Array<readonly [Interval, Interval]> = []
    const sorted = [...intervals.values()].sort((a, b) => a.from - b.from)
    for (const object of new Set(sorted.map((interval) => interval.object))) {
      const of = sorted.filter((interval) => interval.object === object)
      let last: Interval | undefined
      for (const interval of of) {
        if (last !== undefined && interval.from < last.to) found.push([last, interval])
        if (last === undefined || interval.to > last.to) last = interval
      }
    }
    return found
  }
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {})
    // who is killed resets its connection
    createInterface({ input: socket }).on("error", () => {}).on("line", (line) => {
      // of who is killed amid a line nothing was said
      if (!line.endsWith("}")) return
      socket.write(use(JSON.parse(line) as Use) ? "accepted\n" : "refused\n")
    })
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  told<GuardCommand>(() => {
    tell(
      {
        type: "report",
        accepted,
        refused,
        backwards,
        overlaps: overlaps(),
        intervals: [...intervals.values()]
      } satisfies Report
    )
  })
  tell({ type: "ready", port: (server.address() as { readonly port: number }).port } satisfies GuardEvent)
}
