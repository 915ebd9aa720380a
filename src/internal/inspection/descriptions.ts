/**
 * What the user's `describe` says of objects: asked for a few at a time, in a fiber of its own, so that one that takes its
 * time, fails or throws holds up nothing. It is asked again after a while, since what it says may change.
 */
import * as Effect from "effect/Effect"
import type { PooledObject } from "../../PooledObject.ts"
import type { Entry } from "../registry.ts"
import { short } from "./words.ts"

type AnyEntry = Entry<never, never>

/** The user's function, with what it needs. */
export type Describe = (pooled: PooledObject<never, never>, pool: string) => string | Effect.Effect<string, unknown>

const again = 10_000
const most = 400

export class Descriptions {
  private readonly describe: Describe
  private readonly known = new WeakMap<AnyEntry, { text: string; at: number }>()
  private asked = new Map<AnyEntry, string>()

  constructor(describe: Describe) {
    this.describe = describe
  }

  /** What is known; what is not is asked for. */
  of(entry: AnyEntry, pool: string, now: number): string {
    const known = this.known.get(entry)
    if ((known === undefined || now - known.at > again) && this.asked.size < most) this.asked.set(entry, pool)
    return known?.text ?? ""
  }

  /** Asks for what has been wanted since. */
  readonly run = (now: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { asked } = this
      this.asked = new Map()
      return Effect.forEach(asked, ([entry, pool]) => this.ask(entry, pool, now), { concurrency: 16, discard: true })
    })

  get wanted(): boolean {
    return this.asked.size > 0
  }

  private ask(entry: AnyEntry, pool: string, now: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const said = this.describe(entry.pooled, pool)
      return Effect.isEffect(said) ? said : Effect.succeed(said)
    }).pipe(
      Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed("(describe took too long)") }),
      // what it fails with may say what must not be seen
      Effect.catchCause(() => Effect.succeed("(describe failed)")),
      Effect.map((text) => {
        this.known.set(entry, { text: short(String(text)), at: now })
      })
    )
  }
}
