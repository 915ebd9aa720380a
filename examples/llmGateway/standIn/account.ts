/** One key, as its provider sees it: what it is allowed, what it has done, and how it is answered. */

/** What an operator of the stand-in may have a key do. */
export type Mode = "ok" | "revoked" | "failing" | "hanging" | "breaking"

/** A request, as it came. */
export interface Seen {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly status: number
  /** What it was counted for. */
  tokens: number
}

export interface Limits {
  readonly requests: number
  readonly tokens: number
  /** The models that it has access to. Default: all. */
  readonly models?: ReadonlyArray<string>
}

export class Account {
  readonly limits: Limits
  mode: Mode = "ok"
  /** All that came, in order. */
  readonly seen: Array<Seen> = []
  /** Requests that were given up by who had sent them. */
  aborted = 0
  inFlight = 0
  /** Until when it has been told to stay away, and how many came before that. */
  closedUntil = -Infinity
  tooEarly = 0
  private readonly window: number
  /** The first that counts. */
  private first = 0

  constructor(limits: Limits, window: number) {
    this.limits = limits
    this.window = window
  }

  /** What has come within the last window: it slides, which is the strictest way to count. */
  used(now: number): { readonly requests: number; readonly tokens: number } {
    while (this.first < this.seen.length && this.seen[this.first]!.at + this.window <= now) this.first++
    let requests = 0
    let tokens = 0
    for (let i = this.first; i < this.seen.length; i++) {
      const seen = this.seen[i]!
      if (seen.status !== 200) continue
      requests++
      tokens += seen.tokens
    }
    return { requests, tokens }
  }

  /** A request comes that may cost so many tokens. Answers the status, and what was noted. */
  admit(now: number, tokens: number, model: string): Seen {
    if (now < this.closedUntil) this.tooEarly++
    const seen = { at: now, status: this.statusOf(now, tokens, model), tokens }
    if (seen.status === 429) this.closedUntil = now + this.retryAfter(now) * 1000
    this.seen.push(seen)
    return seen
  }

  private statusOf(now: number, tokens: number, model: string): number {
    if (this.mode === "revoked") return 401
    if (this.mode === "failing") return 500
    if (this.limits.models?.includes(model) === false) return 404
    const used = this.used(now)
    return used.requests + 1 > this.limits.requests || used.tokens + tokens > this.limits.tokens ? 429 : 200
  }

  /** In how many whole seconds there is room for one more, if not for one of any size. */
  retryAfter(now: number): number {
    const oldest = this.seen.slice(this.first).find(({ status }) => status === 200)
    return oldest === undefined ? 1 : Math.max(1, Math.ceil((oldest.at + this.window - now) / 1000))
  }

  /** What an answer says of the key. */
  headers(now: number): Readonly<Record<string, string>> {
    const { requests, tokens } = this.used(now)
    const last = this.seen.findLast(({ status }) => status === 200)
    const reset = `${((last === undefined ? 0 : Math.max(0, last.at + this.window - now)) / 1000).toFixed(3)}s`
    return {
      "x-ratelimit-limit-requests": String(this.limits.requests),
      "x-ratelimit-remaining-requests": String(this.limits.requests - requests),
      "x-ratelimit-reset-requests": reset,
      "x-ratelimit-limit-tokens": String(this.limits.tokens),
      "x-ratelimit-remaining-tokens": String(this.limits.tokens - tokens),
      "x-ratelimit-reset-tokens": reset
    }
  }

  /** How many were answered so. */
  count(status: number): number {
    return this.seen.reduce((sum, seen) => seen.status === status ? sum + 1 : sum, 0)
  }
}
