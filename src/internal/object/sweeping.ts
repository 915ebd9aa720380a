/**
 * Detecting all objects: when it is asked for, and once in a while.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { PoolClosed } from "../../PoolError.ts"
import { callback, catchUp, type Core, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { closed } from "../state/failures.ts"
import { Pace } from "../state/pace.ts"
import { detectable, whenFree } from "./condition.ts"
import type { Outcome } from "./detector.ts"

/** Detects every object that is not lent and does not rest until a known time. Each waits for its turn. */
export const detectAll = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.suspend(() => {
    if (core.life._tag !== "Open") return closed(core)
    catchUp(core, true)
    const { concurrency } = core.options.detection
    const all = Effect.forEach([...core.registry.entries], (entry) => detectOne(core, entry), {
      concurrency,
      discard: true
    })
    return Effect.flatMap(all, () => core.life._tag === "Open" ? Effect.void : closed(core))
  })

const detectOne = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Effect.Effect<void> =>
  callback(core, (resume) => {
    let ended = false
    const end = () => {
      ended = true
      core.onClosed.delete(end)
      resume(Effect.void)
    }
    const giveUp = seeTo(core, entry, end)
    if (ended) return
    // closing gives up a detector that does not end
    core.onClosed.add(end)
    return Effect.sync(() => {
      core.onClosed.delete(end)
      giveUp()
    })
  })

/**
 * Has an object detected, by whoever is at it already; `ended` at once where there is nothing to ask. A detection that is
 * dropped has answered nobody: then it is asked anew. What is returned says that nobody wants the answer any more.
 *
 * This comes to an end. What is dropped although it is wanted belongs to an object that leaves, or has been lent; or to a
 * pool that does not keep its objects.
 */
const seeTo = <A, D>(core: Core<A, D>, entry: Entry<A, D>, ended: () => void): () => void => {
  let unwanted = false
  let giveUp: () => void
  const told = (outcome: Outcome): void => {
    if (unwanted) return
    if (outcome._tag === "Dropped") ask()
    else ended()
  }
  const ask = (): void => {
    const { detector } = core
    if (detector === undefined || !stays(core)) return ended()
    if (entry.detection !== undefined) {
      giveUp = entry.detection.follow(told)
      return
    }
    if (detectable(core, entry) === undefined) return ended()
    const detection = whenFree(core, entry, told)
    giveUp = () => detection.drop()
    detector.start(detection, false)
  }
  ask()
  return () => {
    unwanted = true
    giveUp()
  }
}

/** Detects every free object once in a while, spread over the time that a pass takes. */
export const sweep = <A, D>(core: Core<A, D>, every: number | Schedule.Schedule<unknown>): Effect.Effect<void> => {
  // what has not had its turn since the last pass is not asked twice
  const asked = new Set<Entry<A, D>>()
  if (typeof every === "number") return Effect.forever(pass(core, every, asked), { disableYield: true })
  const pace = new Pace(every)
  const next: Effect.Effect<void> = Effect.callback((resume) =>
    pace.next(core, undefined, (delay) => {
      resume(delay === undefined ? Effect.void : Effect.andThen(pass(core, delay, asked), next))
    })
  )
  return next
}

/** In how many steps a pass is spread. */
const steps = 100

const pass = <A, D>(core: Core<A, D>, millis: number, asked: Set<Entry<A, D>>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const entries = [...core.registry.entries]
    const slices = Math.max(1, Math.min(entries.length, steps))
    const rest = core.clock.sleep(Duration.millis(millis / slices))
    return Effect.forEach(
      Array.from({ length: slices }, (_, i) => i),
      (i) =>
        Effect.andThen(rest, () => {
          const end = Math.floor((i + 1) * entries.length / slices)
          for (let j = Math.floor(i * entries.length / slices); j < end; j++) askInTurn(core, entries[j]!, asked)
          return Effect.void
        }),
      { discard: true }
    )
  })

const askInTurn = <A, D>(core: Core<A, D>, entry: Entry<A, D>, asked: Set<Entry<A, D>>): void => {
  if (asked.has(entry)) return
  asked.add(entry)
  seeTo(core, entry, () => asked.delete(entry))
}
