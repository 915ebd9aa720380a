/**
 * A web site whose articles are written by scripts, so that only a browser can read them. It remembers its visitors: by a
 * cookie, and in the browser's storage. One of its pages, `/loop`, never comes to an end.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

const article = (known: boolean) =>
  `<!doctype html>
<body style="font: 20px sans-serif">
<script>
  const known = ${known} || localStorage.length > 0
  localStorage.setItem("visited", "true")
  const [, , number] = location.pathname.split("/")
  document.title = "Article " + number
  document.body.innerHTML = "<h1>" + document.title + "</h1><p>" + (known ? "Welcome back!" : "Welcome!") + "</p>"
  document.body.style.background = "hsl(" + number * 40 + " 80% 80%)"
</script>`

const loop = `<!doctype html><script>while (true) {}</script>`

const answer = Effect.gen(function*() {
  const { cookies, url } = yield* HttpServerRequest.HttpServerRequest
  if (url === "/loop") return HttpServerResponse.html(loop)
  if (!url.startsWith("/articles/")) return HttpServerResponse.empty({ status: 404 })
  return HttpServerResponse.html(article("visited" in cookies)).pipe(
    HttpServerResponse.setCookieUnsafe("visited", "true", { path: "/" })
  )
})

export const site: Layer.Layer<HttpServer.HttpServer> = Layer.effectDiscard(HttpServer.serveEffect(answer)).pipe(
  Layer.provideMerge(Layer.orDie(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })))
)
