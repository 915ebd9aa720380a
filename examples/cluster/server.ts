/** The server that the keys are for, as a borrower sees it. */
import { Config, Effect, Schema } from "effect"
import { HttpClient } from "effect/http"
import type { SharedLease } from "../../src/cluster.ts"
import type { Key } from "./keys.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { key: Schema.String, status: Schema.Int }) {
  override get message(): string {
    return `The server refuses ${this.key}: ${this.status}`
  }
}

/** One request. The fence tells the server which of two leases of a key is the newer one. */
export const ask = Effect.fnUntraced(function*(lease: SharedLease<Key, string>) {
  const { fence, object } = lease
  const url = yield* Config.String("SERVER")
  const response = yield* HttpClient.get(url, {
    headers: {
      authorization: `Bearer ${object.secret}`,
      "user-agent": yield* Config.String("NAME"),
      "x-fence": `${fence.epoch}.${fence.number}`
    }
  })
  // too many in a second: nobody uses this key for a while
  if (response.status === 429) yield* lease.rest("1 second")
  if (response.status !== 200) return yield* new Refused({ key: object.name, status: response.status })
  return yield* response.text
})
