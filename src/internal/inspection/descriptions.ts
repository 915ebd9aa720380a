/**
 * What the user's `describe` says of objects: asked for a few at a time, each in a fiber of its own, so that one that takes
 * its time, fails, throws or never ends holds up nothing. It is asked again after a while, since what it says may change.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { PooledObject } from "../../PooledObject.ts"
import { forkWith } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { short } from "./words.ts"

type AnyEntry = Entry<never, never>

/** The user's function, with what it needs. */
export type Describe = (pooled: PooledObject<never, never>, pool: string) => string | Effect.Effect<string, unknown>

const again = 10_000
/** How many are asked for at most, before those have been answered. */
const most = 400

interface Known {
  readonly text: string
  readonly at: number
}

export class Descriptions {
  private readonly describe: Describe
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly known = new WeakMap<AnyEntry, Known>()
  /** Those whose answer has not ended, though nobody waits for it any more: they are not asked again. */
  private readonly hanging = new WeakSet<AnyEntry>()
  private asked = new Map<AnyEntry, string>()

  constructor(describe: Describe, context: Context.Context<never>) {
    this.describe = describe
    this.fork = forkWith(context)
  }

  /** What is known; what is not is asked for. */
  of(entry: AnyEntry, pool: string, now: number): string {
    const known = this.known.get(entry)
    if (
      (known === undefined || now - known.at > again) && this.asked.size < most && !this.hanging.has(entry)
    ) this.asked.set(entry, pool)
    return known?.text ?? ""
  }

  /** Asks for what has been wanted since. */
  readonly run = (now: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { asked } = this
      this.asked = new Map()
      return Effect.forEach(
        asked,
        ([entry, pool]) => Effect.map(this.ask(entry, pool), (text) => this.known.set(entry, { text, at: now })),
        { concurrency: 16, discard: true }
      )
    })

  /** Nobody wants to know any more. */
  forget(): void {
    this.asked = new Map()
  }

  get wanted(): boolean {
    return this.asked.size > 0
  }

  private ask(entry: AnyEntry, pool: string): Effect.Effect<string> {
    return Effect.callback<string>((resume) => {
      this.hanging.add(entry)
      const fiber = this.fork(Effect.suspend(() => {
        const said = this.describe(entry.pooled, pool)
        return Effect.isEffect(said) ? said : Effect.succeed(said)
      }))
      fiber.addObserver((exit) => {
        this.hanging.delete(entry)
        resume(Effect.succeed(textOf(exit)))
      })
      // told to end, and not waited for: it may not listen
      return Effect.sync(() => fiber.interruptUnsafe())
    }).pipe(
      Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed("(describe took too long)") })
    )
  }
}

/** What it fails with may say what must not be seen, and what it answers may throw when it is made a text. */
const textOf = (exit: Exit.Exit<unknown, unknown>): string => {
  try {
    if (exit._tag === "Success") return short(String(exit.value))
  } catch {
    // as one that has thrown
  }
  return "(describe failed)"
}
