/**
 * How do I put many keys of a language model behind one address?
 *
 * A gateway that any client of OpenAI can talk to, unchanged, over a pool of keys: each with its limits, of which the pool
 * lends no more than there is. Without an environment it runs for half a minute before a stand-in for a provider, under three
 * times the load that the keys allow, and prints what has become of it, and of the same load without it:
 *
 *   npm run example:gateway
 *
 * With one, it serves real keys until it is stopped. The limits are those of a minute; `tier` 0 is used first; what is known
 * of the keys is kept in a folder:
 *
 *   GATEWAY_URL=https://api.openai.com/v1 \
 *   GATEWAY_KEYS='[{"name":"own","secret":"sk-…","requests":500,"tokens":200000},
 *                  {"name":"paid","secret":"sk-…","requests":500,"tokens":200000,"tier":1}]' \
 *   GATEWAY_STORE=/var/lib/gateway PORT=8080 npm run example:gateway
 *
 *   curl 127.0.0.1:8080/v1/chat/completions --json '{"model":"gpt-5-nano","messages":[{"role":"user","content":"hello"}]}'
 *   curl 127.0.0.1:8080/pool
 *   curl 127.0.0.1:8080/metrics
 *   open http://127.0.0.1:8080/pools
 *
 * The way of a question: `wire.ts` reads it, `completions.ts` borrows a key from the pool in `keys.ts` and relays the answer,
 * `provider.ts` asks, and believes what the answer says of the key; `refusals.ts` tells those who get none when to come again.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Config, Console, Effect, Layer } from "effect"
import { explain } from "../httpServer/explain.ts"
import { demo } from "./demo.ts"
import { Gateway } from "./gateway.ts"
import { GatewaySettings } from "./settings.ts"

/** How long each of the three loads of the demonstration lasts. */
const seconds = Config.Number("GATEWAY_SECONDS").pipe(Config.withDefault(10))

const serve = Layer.launch(Layer.provide(Gateway, GatewaySettings.fromEnvironment))

Effect.gen(function*() {
  const url = yield* Config.String("GATEWAY_URL").pipe(Config.withDefault(""))
  return yield* url === "" ? demo(yield* seconds) : serve
}).pipe(
  Effect.tapError((error) =>
    Console.error(`llmGateway: ${error._tag === "PlatformError" ? error.message : explain(error)}`)
  ),
  Effect.tapDefect((defect) => Effect.logError(Cause.die(defect))),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
