/**
 * A server with a limit for each key, as the keys of real ones have. It takes a while for each request, so that it would
 * notice two holders of a key at once; and it refuses what comes with an older fence than the highest that it has seen.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import type { Fence } from "../../../src/cluster.ts"
import type { Key } from "../keys.ts"
import { Account } from "./account.ts"

/** How long a request takes. */
const pace = "100 millis"

/** Requests in a second: enough for one holder, and too few for two. */
const limit = 15

/** The monotonic clock, in milliseconds. */
export const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const empty = (status: number) => HttpServerResponse.empty({ status })

/** As borrowers send it: `3.14`. */
const toFence = (text: string): Fence | undefined => {
  const [, epoch, number] = /^(\d+)\.(\d+)$/.exec(text) ?? []
  return number === undefined ? undefined : { epoch: Number(epoch), number: Number(number) }
}

const answer = (accounts: ReadonlyMap<string, Account>) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const account = accounts.get((headers["authorization"] ?? "").replace("Bearer ", ""))
    const fence = toFence(headers["x-fence"] ?? "")
    if (account === undefined || fence === undefined) return empty(account === undefined ? 401 : 400)
    const status = account.admit(headers["user-agent"] ?? "nobody", fence, yield* millis)
    if (status !== 200) return empty(status)
    // interrupted when the caller goes away
    yield* Effect.sleep(pace)
    account.answer(fence)
    return HttpServerResponse.text("done")
  })

export class RateLimited extends Context.Service<RateLimited, {
  readonly url: string
  readonly accounts: ReadonlyArray<Account>
}>()("cluster/RateLimited") {
  static readonly layer = (keys: ReadonlyArray<Key>) => {
    const accounts = new Map(keys.map(({ name, secret }) => [secret, new Account(name, limit)]))
    const service = HttpServer.addressFormattedWith((url) => Effect.succeed({ url, accounts: [...accounts.values()] }))
    return HttpRouter.serve(HttpRouter.add("GET", "/", answer(accounts)), {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.merge(Layer.effect(RateLimited, service)),
      Layer.provide(Layer.orDie(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })))
    )
  }
}
