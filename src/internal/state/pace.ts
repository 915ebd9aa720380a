/**
 * A schedule, stepped by hand: after each failure it says when the next attempt may be made.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { type Core, fork } from "./core.ts"

type Step = (now: number, input: unknown) => Pull.Pull<[unknown, Duration.Duration], never, unknown>

/** How far one schedule has been stepped. */
export class Pace {
  private readonly schedule: Schedule.Schedule<unknown>
  private step: Step | undefined = undefined

  constructor(schedule: Schedule.Schedule<unknown>) {
    this.schedule = schedule
  }

  /** Has the schedule start over. */
  reset(): void {
    this.step = undefined
  }

  /**
   * Calls back with the milliseconds until the next attempt, or with `undefined` when there is none: the schedule is done,
   * or has failed. At once, unless the schedule itself takes time.
   */
  next<A, D>(core: Core<A, D>, input: unknown, then: (delay: number | undefined) => void): void {
    const step = Effect.flatMap(
      Effect.suspend(() => this.step === undefined ? Schedule.toStep(this.schedule) : Effect.succeed(this.step)),
      (step) => {
        this.step = step as Step
        return (step as Step)(core.clock.currentTimeMillisUnsafe(), input)
      }
    )
    const fiber = fork(core, step)
    core.background.add(fiber)
    fiber.addObserver((exit) => {
      core.background.delete(fiber)
      then(Exit.isSuccess(exit) ? Duration.toMillis(exit.value[1]) : undefined)
      core.place?.left()
    })
  }
}
