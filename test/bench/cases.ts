/**
 * What is measured, by name.
 */
import { classed } from "./classes.ts"
import { contended, guarded, guards, observed, selectors, sizes, uncontended } from "./cycles.ts"
import { background, detecting, detectors } from "./detection.ts"
import { closing, closingSlowly, filling } from "./filling.ts"
import { garbage, idle, leased, waiting } from "./heap.ts"
import { hotKey, idleKey, roundRobin } from "./keyed.ts"
import { evicting, expiring, timingOut } from "./loop.ts"
import { promised, promisedAborts, promisedWaiters, soaked } from "./promises.ts"
import { leftOut } from "./redis.ts"
import { scale } from "./scale.ts"
import { clustered, held, remote } from "./shared.ts"
import { format, type Table } from "./table.ts"
import { type Ending, waiters } from "./waiters.ts"

const perCycle = "ns per cycle"
const crowds = [100, 1000]
const queues = [1000, 10_000, 100_000]
const endings: ReadonlyArray<Ending> = ["served", "interrupted", "timed out"]

const how: Readonly<Record<Ending, string>> = {
  served: "are served one after another",
  interrupted: "are interrupted at once",
  "timed out": "time out at once, from when their time is over"
}

export const cases: Readonly<Record<string, ReadonlyArray<Table>>> = {
  uncontended: [{
    title: "Borrow and give back, 10 objects",
    unit: perCycle,
    chart: "uncontended",
    measure: uncontended
  }],
  sizes: Object.entries(selectors).map(([name, select]) => ({
    title: `\`borrow\` with \`${name}\`, from pools of different sizes`,
    unit: perCycle,
    measure: sizes(select)
  })),
  contended: crowds.map((fibers) => ({
    title: `${fibers} fibers over 10 objects`,
    unit: perCycle,
    ...fibers === 100 ? { chart: "contended" } : {},
    measure: contended(fibers)
  })),
  guards: [1, 100].flatMap((fibers) =>
    Object.entries(guards).map(([name, guard]) => ({
      title: `${fibers === 1 ? "Borrow and give back, 10 objects" : `${fibers} fibers over 10 objects`}, with ${name}`,
      unit: perCycle,
      measure: guarded(guard, fibers)
    }))
  ),
  observed: [{
    title: "Borrow and give back, 10 objects, with metrics that nobody reads",
    unit: perCycle,
    measure: observed
  }],
  waiters: endings.flatMap((ending) =>
    queues.map((n) => ({
      title: `${format(n)} who wait for one object ${how[ending]}`,
      unit: "µs per waiter",
      ...n === 100_000 && ending !== "interrupted" ? { chart: `waiters-${ending.replace(" ", "-")}` } : {},
      measure: waiters(ending, n)
    }))
  ),
  promises: [
    ...[1, ...crowds].map((many) => ({
      title: many === 1
        ? "Promises: borrow and give back, 10 objects"
        : `Promises: ${many} callers over 10 objects`,
      unit: perCycle,
      measure: promised(many)
    })),
    ...Object.entries(guards).filter(([name]) => name !== "all three").flatMap(([name, guard]) =>
      [1, ...crowds].map((many) => ({
        title: `Promises: ${
          many === 1 ? "borrow and give back, 10 objects" : `${many} callers over 10 objects`
        }, with ${name}${
          guard.leaseTimeout === undefined ? "" : ", which the other pools do not have: they go without"
        }`,
        unit: perCycle,
        measure: promised(many, guard)
      }))
    ),
    ...(["served", "timed out"] as const).flatMap((ending) =>
      queues.map((n) => ({
        title: `Promises: ${format(n)} who wait for one object ${how[ending]}`,
        unit: "µs per waiter",
        measure: promisedWaiters(ending, n)
      }))
    ),
    ...queues.map((n) => ({
      title: `Promises: ${format(n)} who wait for one object are aborted at once`,
      unit: "µs per waiter",
      measure: promisedAborts(n)
    })),
    { title: "Promises: the heap of a process that borrows ten million times", unit: "MB", measure: soaked }
  ],
  classes: [
    {
      title: "Borrow and give back, 10 objects, with classes of borrowers and without",
      unit: perCycle,
      measure: classed
    }
  ],
  keyed: [
    { title: "Borrow and give back, of a pool and of one key among many", unit: perCycle, measure: hotKey },
    {
      title: "Objects that are made and destroyed, for 10 000 keys in turn, of 1 000",
      unit: perCycle,
      measure: roundRobin
    },
    { title: "Bytes per key without an object", unit: "bytes", kind: "size", measure: idleKey }
  ],
  filling: [
    { title: "Filling a pool with 10 000 objects that are there at once", unit: "ms", measure: filling },
    { title: "Closing a pool of 10 000 objects that are destroyed at once", unit: "ms", measure: closing },
    { title: "Closing a pool of 300 objects, each of which takes 1 ms", unit: "ms", measure: closingSlowly }
  ],
  heap: [
    { title: "Bytes per idle object", unit: "bytes", kind: "size", measure: idle },
    {
      title: "Bytes per waiter, beyond the fiber or function that waits",
      unit: "bytes",
      kind: "size",
      measure: waiting
    },
    {
      title: "Bytes per open lease, beyond the fiber or function that holds it",
      unit: "bytes",
      kind: "size",
      measure: leased
    },
    { title: "Garbage: bytes allocated by borrow and give back", unit: "bytes", kind: "size", measure: garbage }
  ],
  detection: [
    ...Object.entries(detectors).flatMap(([name, detector]) =>
      [10, 100].map((concurrency) => ({
        title: `\`detect\` of 10 000 objects with ${
          name === "synchronous" ? "a" : "an"
        } ${name} detector, ${concurrency} at a time`,
        unit: "µs per object",
        measure: detecting(detector, concurrency)
      }))
    ),
    {
      title: "Background detection of 10 000 objects every 10 s, nothing borrowed",
      unit: "% of one core",
      measure: background
    }
  ],
  loop: [
    { title: "10 000 idle objects are evicted at once", unit: "ms", measure: evicting },
    { title: "10 000 leases expire at once", unit: "ms", measure: expiring },
    { title: "100 000 who wait time out at once", unit: "ms", measure: timingOut }
  ],
  scale: [
    { title: "Very many who wait", unit: "µs", measure: scale("waiters") },
    { title: "Very many that are made", unit: "µs", measure: scale("making") },
    { title: "Very many objects", unit: "µs", measure: scale("objects") },
    { title: "Very many leases", unit: "µs", measure: scale("leases") },
    { title: "Borrows beside very many", unit: "µs", measure: scale("borrows") },
    { title: "Walks", unit: "µs", measure: scale("walks") }
  ],
  shared: [
    {
      title:
        "Borrow from a pool of another process over TCP, and give back; an empty request of effect's rpc is the floor",
      unit: "ms",
      note: leftOut,
      measure: remote
    },
    {
      title: "The same within a cluster of effect's own; an empty request to an entity is the floor",
      unit: "ms",
      measure: clustered
    },
    {
      title: "What its host takes for one process that holds",
      unit: "bytes per lease",
      kind: "size",
      measure: held(5000, 10_000)
    }
  ]
}
