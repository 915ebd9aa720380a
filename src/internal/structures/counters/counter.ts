/**
 * What is left of a limit: so many units in a time. Each kind counts in its own way, and on one clock, in milliseconds.
 *
 * What was taken may be more than was left: that is a debt, and nothing is left until it is over. Time never goes back
 * between two calls, but for the wall clock, which `Reset` goes by.
 */

/** The clock that a counter goes by. */
export type ClockOf = "monotonic" | "wall"

/** What a server has said: `left` units, and that all of them are there again at a time. */
export interface Report {
  readonly left: number | undefined
  readonly until: number | undefined
}

/**
 * What a counter has counted, to be counted anew by another: what was taken, and when; and what a server has said, when, and
 * until when. Times are milliseconds from the moment of asking, rounded up: nothing counts for less long than it did.
 */
export interface Count {
  readonly taken: ReadonlyArray<readonly [at: number, amount: number]>
  readonly said?: readonly [at: number, amount: number, until: number]
}

export interface Counter {
  readonly limit: number
  readonly clock: ClockOf
  /** How much is left: less than zero is a debt. */
  left(now: number): number
  /** Answers how much is left then. */
  take(amount: number, now: number): number
  /**
   * Takes back what was taken at a time, as far as that still counts: what a server has counted since does not. `amount` is no
   * more than was taken then.
   */
  giveBack(amount: number, takenAt: number, now: number): void
  /** When there is something left again, if nothing more is taken; now, where there is. */
  opensAt(now: number): number
  /** When all of it is there again, if nothing more is taken. */
  fullAt(now: number): number
  /**
   * What the server says replaces what was counted. `false`: it says nothing, or speaks of a time that is over, or is older
   * than what it has said: more was left then, until an earlier moment.
   */
  report(report: Report, now: number): boolean
  /** What still counts; nothing where all of the limit is there. */
  counted(now: number): Count | undefined
}

/** So little is nothing: what fractions leave behind that were added up. */
export const rounding = 1e-9

/** What is left, but for what was rounded away. */
export const rounded = (left: number): number => (left < rounding && left > -rounding ? 0 : left)

/** Is a report older than what was said until `end`? All is there again no earlier than before, whatever is taken. */
export const isOlder = ({ left, until }: Report, end: number, counted: number): boolean =>
  until !== undefined && until < end && (left === undefined || left > counted)

export const saysNothing = ({ left, until }: Report): boolean => left === undefined && until === undefined

/** Has a new counter count what another has. `since`: the moment at which the other was asked. */
export const countAnew = (counter: Counter, { said, taken }: Count, since: number): void => {
  if (said !== undefined) counter.report({ left: counter.limit - said[1], until: since + said[2] }, since + said[0])
  for (const [at, amount] of [...taken].sort(([one], [other]) => one - other)) counter.take(amount, since + at)
}

/** When something will be, as seen from now. */
export const seenFrom = (now: number, at: number): number => Math.ceil(at - now)

/** When something was, as seen from now: not later, though sums be rounded, and the wall clock have been set back. */
export const ago = (now: number, at: number): number => Math.min(0, seenFrom(now, at))
