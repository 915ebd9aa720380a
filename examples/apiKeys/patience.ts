const second = 1000
const day = 86_400 * second

/**
 * How many milliseconds to stay away, as `Retry-After` says it: by a number of seconds, or a date. It comes from outside:
 * what it says is held within a second and a day, and half a minute stands in for what is missing or makes no sense.
 */
export const patience = (retryAfter: string | undefined, now: number): number => {
  const millis = retryAfter !== undefined && /^\d+$/.test(retryAfter)
    ? Number(retryAfter) * second
    : Date.parse(retryAfter ?? "") - now
  return Number.isNaN(millis) ? 30 * second : Math.min(Math.max(millis, second), day)
}
