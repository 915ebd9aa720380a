/**
 * Turns under names: what is done under a name begins when what was begun under it before has really ended, however long that
 * takes and whoever still waits for it.
 *
 * Invariants:
 * - A name in `taken` is that of one turn, which frees it as it ends.
 * - Whoever waits for names has none: so nobody waits for one who waits.
 * - A turn ends when whoever has it says so, and all that was begun in it has ended.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { apart } from "./apart.ts"

export class Turn {
  private readonly begun = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly free: () => void
  private isOver = false

  constructor(free: () => void) {
    this.free = free
  }

  /** Begins something, and waits for its end; an interruption waits for nothing, though the turn does. */
  run<B, E>(effect: Effect.Effect<B, E>): Effect.Effect<B, E> {
    return apart(effect, (fiber) => {
      this.begun.add(fiber)
      fiber.addObserver(() => {
        this.begun.delete(fiber)
        this.look()
      })
    })
  }

  /** Ends when all that was begun has ended. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => Effect.forEach([...this.begun], (fiber) => Fiber.await(fiber), { discard: true }))
  }

  /** Nothing more is begun. */
  end(): void {
    this.isOver = true
    this.look()
  }

  private look(): void {
    if (this.isOver && this.begun.size === 0) this.free()
  }
}

export class Turns {
  private readonly taken = new Map<string, Deferred.Deferred<void>>()

  /** A turn under all of the names; `undefined`: one of them is not free. */
  take(names: Iterable<string>): Turn | undefined {
    const all = new Set(names)
    for (const name of all) if (this.taken.has(name)) return undefined
    const ended = Deferred.makeUnsafe<void>()
    for (const name of all) this.taken.set(name, ended)
    return new Turn(() => {
      for (const name of all) this.taken.delete(name)
      Deferred.doneUnsafe(ended, Effect.void)
    })
  }

  isFree(name: string): boolean {
    return !this.taken.has(name)
  }

  /** Ends when each of the names has been free. */
  freed(names: Iterable<string>): Effect.Effect<void> {
    return Effect.forEach(names, (name) => {
      const ended = this.taken.get(name)
      return ended === undefined ? Effect.void : Deferred.await(ended)
    }, { discard: true })
  }

  /** Ends when all turns of now have. */
  get ended(): Effect.Effect<void> {
    return Effect.suspend(() => this.freed([...this.taken.keys()]))
  }
}
