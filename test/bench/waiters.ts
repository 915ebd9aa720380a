/**
 * Case 4: many who wait for the one object of a pool. They are served one after another, or all interrupted at once, or
 * all time out at once.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { type EffectPool, effects, ours, type PromisePool, promises } from "./contenders.ts"
import { collect, compare, type Contender, now, per, turn } from "./harness.ts"

export type Ending = "served" | "interrupted" | "timed out"

type Cycle = (body: Effect.Effect<void>) => Effect.Effect<unknown, unknown>
type Waiting = ReadonlyArray<Fiber.Fiber<unknown, unknown>>

/** Milliseconds of the borrow time-out, where there is one. It may be short, since no timer fires before all of them wait. */
const patience = 20

/**
 * Fibers that wait when this returns. All of them start in one step, so that no timer comes between: where they time
 * out, none does before all of them wait.
 */
export const queueUp = (waiter: Effect.Effect<unknown, unknown>, n: number): Effect.Effect<Waiting> =>
  Effect.contextWith((context: Parameters<typeof Effect.runForkWith<never>>[0]) =>
    Effect.sync(() => Array.from({ length: n }, () => Effect.runForkWith(context)(waiter)))
  )

/** Blocks the event loop: what is due meanwhile is due at once when it turns again. */
export const block = (millis: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)
}

/** Has every fiber end, and gives the nanoseconds that this takes. */
const endAll = (fibers: Waiting, begin: () => void): Effect.Effect<number> =>
  Effect.callback((resume) => {
    if (fibers.some((fiber) => fiber.pollUnsafe() !== undefined)) throw new Error("one does not wait any more")
    let left = fibers.length
    let start = 0
    const ended = () => {
      if (--left === 0) resume(Effect.succeed(now() - start))
    }
    for (const fiber of fibers) fiber.addObserver(ended)
    collect()
    start = now()
    begin()
  })

/** Until somebody opens it. */
const gate = () => {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const run = (cycle: Cycle, ending: Ending, n: number): Effect.Effect<number> =>
  Effect.gen(function*() {
    const { open, opened } = gate()
    const holder = yield* queueUp(cycle(Effect.promise(() => opened)), 1)
    const fibers = yield* queueUp(cycle(Effect.void), n)
    // for those who time out: from the moment that everybody's time is over
    if (ending === "timed out") block(patience + 10)
    const took = yield* endAll(fibers, () => {
      if (ending === "served") open()
      if (ending === "interrupted") { for (const fiber of fibers) fiber.interruptUnsafe() }
    })
    open()
    while (holder[0]!.pollUnsafe() === undefined) yield* Effect.yieldNow
    if (fibers.some((fiber) => Exit.isSuccess(fiber.pollUnsafe()!) !== (ending === "served"))) {
      throw new Error(`not all were ${ending}`)
    }
    return took
  })

/** The cheapest timer there is: it is the floor's. */
const later = (task: () => void, millis: number): void => {
  setTimeout(task, millis)
}

const counts = {
  size: 1,
  available: 0,
  borrowed: 1,
  making: 0,
  leases: 1,
  waiting: 0,
  totals: { made: 1, timedOut: 0 }
}

/** What a time-out tells: the pool, some counts of it, what was waited for, and how long. */
class Late extends Error {
  readonly pool = "floor"
  readonly stats = { ...counts, totals: { ...counts.totals } }
  readonly phase = "Waiting"
  readonly held = 0
  readonly waited = Duration.millis(patience)
}

const plain = Effect.fail("timed out")
/** An error of its own for each, without a stack. */
const told = Effect.suspend(() => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = new Late()
  Error.stackTraceLimit = limit
  return Effect.fail(error)
})

/** What is left of it without a pool: fibers that wait, and are resumed, interrupted, or resumed with a failure. */
const bare = (name: string, role: Contender["role"], late: Effect.Effect<void, unknown>): EffectPool => ({
  name,
  role,
  make: ({ borrowTimeout }) =>
    Effect.sync(() => {
      let waiting: Array<(effect: Effect.Effect<void, unknown>) => void> = []
      let held = false
      const resumeAll = (effect: Effect.Effect<void, unknown>) => {
        const resumes = waiting
        waiting = []
        for (const resume of resumes) resume(effect)
      }
      const give = () => {
        held = false
        resumeAll(Effect.void)
      }
      const wait = Effect.callback<void, unknown>((resume) => {
        if (waiting.push(resume) > 1 || borrowTimeout === undefined) return
        later(() => resumeAll(late), borrowTimeout)
      })
      return (body) =>
        Effect.suspend(() => {
          if (held) return wait
          held = true
          return Effect.andThen(body, Effect.sync(give))
        })
    })
})

const floor = bare("floor: bare fibers", "floor", plain)

const fibers = async ({ make, name, role }: EffectPool, ending: Ending): Promise<Contender> => {
  const scope = Scope.makeUnsafe()
  const setup = { size: 1, ...ending === "timed out" ? { borrowTimeout: patience } : {} }
  const cycle = await Effect.runPromise(Scope.provide(make(setup), scope))
  return {
    name,
    role,
    run: (n) => Effect.runPromise(run(cycle, ending, n)),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** The same for one of promises: nobody can interrupt these. */
export const awaiting = async ({ make, name, role }: PromisePool, ending: Ending): Promise<Contender> => {
  const { close, use } = await make({ size: 1, ...ending === "timed out" ? { borrowTimeout: patience } : {} })
  return {
    name,
    role,
    run: async (n) => {
      const { open, opened } = gate()
      const holder = use(() => opened)
      await turn()
      let served = 0
      const serve = () => {
        served++
        return undefined
      }
      const all = Promise.all(Array.from({ length: n }, () => use(serve).catch(() => {})))
      if (ending === "timed out") block(patience + 10)
      else await turn()
      collect()
      const start = now()
      if (ending === "served") open()
      await all
      const took = now() - start
      open()
      await holder
      if (served !== (ending === "served" ? n : 0)) throw new Error(`not all were ${ending}`)
      return took
    },
    close: async () => {
      await close()
    }
  }
}

/**
 * Those of promises that survive it: tarn is quadratic, and what times out stays in lightning-pool's queue, where the next
 * release recurses over it until the stack overflows.
 */
export const survives = ({ name }: PromisePool, ending: Ending, n: number): boolean =>
  !["tarn", "lightning-pool"].includes(name) && !name.startsWith("floor") || (name === "tarn" && n <= 10_000) ||
  (name === "lightning-pool" && (ending === "served" || n <= 1000))

/** Few of the many, since queueing them takes longer than what is measured. */
export const rounds = (n: number): number => n < 10_000 ? 9 : n < 100_000 ? 5 : 3

export const waiters = (ending: Ending, n: number) => async () => {
  const contenders: Array<Contender> = []
  const floors = ending === "timed out" ? [floor, bare("floor: bare fibers, an error each", "peer", told)] : [floor]
  for (const each of [...effects, ...ours, ...floors]) contenders.push(await fibers(each, ending))
  if (ending !== "interrupted") {
    for (const each of promises) if (survives(each, ending, n)) contenders.push(await awaiting(each, ending))
  }
  const warmUp = Array.from({ length: 10 }, () => 1000)
  return per(1000, await compare(contenders, { rounds: rounds(n), sample: 0, times: n, warmUp }))
}
