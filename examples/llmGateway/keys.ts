/** The pool of keys: what each may be used for, and what becomes of one that is refused, or fails. */
import { Cause, Duration, Effect, Exit, Layer, Schema } from "effect"
import { type Allowance, type Judge, PoolService, Selector, Status, Verdict } from "../../src/index.ts"
import { GatewaySettings, type Key, type Settings } from "./settings.ts"

/** What limits a key. */
export type Limited = "requests" | "tokens"

/** What is known of the use of a key, beside what the pool counts. */
export interface Use {
  /** All that was ever taken. */
  readonly taken: Record<Limited, number>
  /** What was taken by requests that are not answered yet. */
  readonly underWay: Record<Limited, number>
  /** How many requests were answered, and after how many milliseconds in all. */
  answers: number
  waited: number
}

/** The provider has not answered, or what is no answer. */
export class ProviderFailed extends Schema.TaggedError<ProviderFailed>()("ProviderFailed", {
  /** 502: it could not be reached. 504: it was silent for too long. */
  status: Schema.Int,
  why: Schema.String,
  model: Schema.String,
  /** In how many milliseconds to come again. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  override get message(): string {
    return `The provider has answered ${this.status}: ${this.why}`
  }
}

const minute = Duration.minutes(1)

/** What an answer says of its key. A client that went away says nothing; nor does a question that makes no sense. */
const judge = ({ failures, rest }: Settings): Judge<Key, Use> => {
  const outlier = Verdict.outlier({ after: failures, rest })
  return (exit, pooled) => {
    const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    if (!(failure instanceof ProviderFailed)) return outlier(exit, pooled)
    const { model, retryAfter, status } = failure
    if (status === 401) return "Invalid"
    if (status === 429) return Status.dormant(retryAfter ?? minute)
    // the key has no access to this model: it rests for those who ask for that
    if (status === 403 || status === 404) return Status.dormant(minute, model)
    return outlier(exit, pooled)
  }
}

/**
 * The pool lends a key of which anything is left, though the request may cost more. A provider refuses what does not fit any
 * more: so much has to be held back. A request that may cost more than that does not fit the key.
 */
const allowances = ({ largest, window }: Settings, { requests, tokens }: Key): ReadonlyArray<Allowance> => [
  ...(requests === undefined ? [] : [{ name: "requests", limit: requests, per: window }]),
  ...(tokens === undefined
    ? []
    : [
      { name: "tokens", limit: tokens - Math.min(largest, Math.floor(tokens / 2)), per: window, unit: "cost" } as const
    ])
]

export class Keys extends PoolService<Keys, Key, { data: Use }>()("llmGateway/Keys") {
  static readonly live = Layer.unwrap(Effect.map(GatewaySettings, (settings) =>
    Keys.layer({
      objects: settings.keys,
      data: () => ({ taken: { requests: 0, tokens: 0 }, underWay: { requests: 0, tokens: 0 }, answers: 0, waited: 0 }),
      allowance: ({ object }) => allowances(settings, object),
      judge: judge(settings),
      remember: { key: ({ name }) => name },
      select: { rank: ({ object }) => tierOf(object), within: Selector.mostAllowance },
      sharing: settings.concurrency,
      borrowTimeout: settings.patience,
      maxWaiters: 1000
    })))
}

export const tierOf = ({ tier = 0 }: Key): number => tier
