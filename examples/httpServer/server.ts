/** The HTTP server: where it listens, and how it closes. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Config, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Routes } from "./routes.ts"

const server = createServer()

/** 0 is any port that is free. */
const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

const Listening = NodeHttpServer.layerConfig(() => server, {
  host: Config.succeed("127.0.0.1"),
  port: Config.schema(Port, "PORT").pipe(Config.withDefault(3000)),
  // how long the requests in flight have, once it is closing
  gracefulShutdownTimeout: Config.succeed("20 seconds")
})

/** A client that keeps its connection would keep a closing server: it is told to go with its answer. */
const LastAnswers = HttpRouter.middleware(
  (handler) =>
    Effect.map(
      handler,
      (response) => server.listening ? response : HttpServerResponse.setHeader(response, "connection", "close")
    ),
  { global: true }
)

/** Those who have not gone by then. */
const CutOff = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))

/** It listens when all that the routes need is there, and is the first to close. */
export const HttpService = HttpRouter.serve(Layer.merge(Routes, LastAnswers), { disableLogger: true }).pipe(
  Layer.provide(CutOff),
  Layer.provide(Listening)
)
