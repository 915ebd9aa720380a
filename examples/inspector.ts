/**
 * What do my pools do right now?
 *
 * A server with three pools under a load that changes, and a page that shows them:
 *
 *   npm run example:inspector
 *   PORT=8080 npm run example:inspector
 *
 * Open http://127.0.0.1:3000/pools, or look at the same from a second terminal:
 *
 *   npm run inspect http://127.0.0.1:3000/pools
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Inspector } from "../src/inspector.ts"
import { explain } from "./httpServer/explain.ts"
import { Load } from "./inspector/load.ts"
import { ApiKeys, Connections, Renderers } from "./inspector/pools.ts"

/** Who is at this machine may change things. In earnest this would look at a session, or a password. */
const authorize = Effect.gen(function*() {
  const { remoteAddress } = yield* HttpServerRequest.HttpServerRequest
  const address = Option.getOrElse(remoteAddress, () => "")
  if (!/^(::ffff:)?127\.|^::1$/.test(address)) return yield* Effect.fail("not from here")
})

const Page = Inspector.layerHttp({
  path: "/pools",
  // an object is shown by what is no secret: here the first letters of a key
  describe: ({ object }) => typeof object === "string" ? `${object.slice(0, 7)}…` : "",
  describeFailure: (failure) => failure instanceof Error ? failure.message : String(failure),
  actions: true,
  authorize
})

const Home = HttpRouter.add("GET", "/", HttpServerResponse.redirect("/pools"))

const Listening = NodeHttpServer.layerConfig(createServer, {
  host: Config.succeed("127.0.0.1"),
  port: Config.Port("PORT").pipe(Config.withDefault(3000))
})

const Server = HttpRouter.serve(Layer.mergeAll(Page, Home), { disableLogger: true }).pipe(
  Layer.provide(Listening),
  Layer.provide(Load),
  Layer.provide([Connections.live, ApiKeys.live, Renderers.live])
)

Layer.launch(Server).pipe(
  Effect.tapError((error) => Console.error(`inspector: ${explain(error)}`)),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
