/**
 * What holds a pool that nobody has in hand any more: those outside who depend on what it does.
 *
 * The fibers of a pool that sleep, until a deadline or until more objects are to be detected, hold it by its grip: firmly
 * while anybody is counted here, else not at all. So a pool that is dropped without being closed is collected, whatever
 * upkeep of its own is due, as soon as nobody waits for it; the fibers end when they wake.
 *
 * Invariant: `grip.firmly` is set exactly while `count` is not 0.
 */

/** What a sleeping fiber has of its pool, or another: a part, and what holds the whole while somebody depends on that. */
export interface Held<T extends object> {
  readonly grip: Grip
  readonly part: WeakRef<T>
}

interface Grip {
  firmly: Hold | undefined
}

export class Hold {
  /** Reaches the pool, and so whatever part of it a fiber goes on with. */
  readonly whole: () => object
  private readonly grip: Grip = { firmly: undefined }
  private count = 0

  constructor(whole: () => object) {
    this.whole = whole
  }

  /** What a sleeping fiber keeps that goes on with a part of the pool. */
  of<T extends object>(part: T): Held<T> {
    return { grip: this.grip, part: new WeakRef(part) }
  }

  /** Somebody begins to depend on the pool. */
  begin(): void {
    if (this.count++ === 0) this.grip.firmly = this
  }

  /** One of those who depended on the pool does so no more. */
  end(): void {
    if (--this.count === 0) this.grip.firmly = undefined
  }
}
