/**
 * The failure of what never waits.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { PoolStats, print } from "./PoolError.ts"

/**
 * A method that never waits would have had to.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotSynchronous extends Schema.TaggedError<NotSynchronous>()("NotSynchronous", {
  pool: Schema.String,
  stats: PoolStats,
  /** The method, as in `"borrowSync"`. */
  operation: Schema.String,
  /** What answered with a promise, or with an effect that suspends. */
  callback: Schema.String
}) {
  override get message(): string {
    const instead = this.operation.replace("Sync", "")
    return `Pool "${this.pool}": \`${this.operation}\` does not wait, but \`${this.callback}\` takes time: use \`${instead}\``
  }
}

print(NotSynchronous)
