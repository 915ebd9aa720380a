/** Random numbers from a seed. */
export type Next = () => number

/** Numbers from 0 to below 1 (mulberry32). */
export const numbers = (seed: number): Next => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Whole numbers from 0 to below what is asked for. */
export const drawing = (seed: number): (below: number) => number => draws(numbers(seed)).below

export const draws = (next: Next) => {
  const below = (n: number): number => Math.floor(next() * n)
  const one = <T>(...values: ReadonlyArray<T>): T => values[below(values.length)]!
  return {
    below,
    one,
    /** With this probability; else `undefined`. */
    maybe: <T>(probability: number, value: () => T): T | undefined => next() < probability ? value() : undefined,
    many: <T>(n: number, value: () => T): Array<T> => Array.from({ length: n }, value)
  }
}

export type Draws = ReturnType<typeof draws>
