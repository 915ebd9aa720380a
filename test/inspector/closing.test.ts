/** A server that closes while somebody looks. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { request, type Server } from "node:http"
import { connect, type Socket } from "node:net"
import { Browser } from "../../examples/browserPages/Browser.ts"
import { ObjectPool } from "../../src/index.ts"
import { make, start } from "../support/borrowers.ts"
import { listen, onTerminal, pty, serve, snapshot } from "../support/inspector.ts"
import { turn } from "../support/promises.ts"

/** As an `HttpServer` does it: it stops to listen, and waits. */
const closing = (node: Server) => {
  const closed = once(node, "close")
  node.close()
  return Effect.promise(() => closed)
}

describe("a server that closes", () => {
  it.effect("a stream of frames ends within half a second, and its connection with it", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "looked at", objects: ["a"] })
      const { node, url } = yield* serve()
      let responses = 0
      node.on("request", () => responses++)
      const listening = yield* start(listen(url))
      yield* Effect.repeat(Effect.andThen(TestClock.adjust(50), Effect.promise(turn)), { until: () => responses > 0 })
      yield* TestClock.adjust(250)
      const closed = yield* start(closing(node))

      yield* TestClock.adjust(500)

      assert.isNotEmpty(yield* Fiber.join(listening))
      yield* Fiber.join(closed)
    }))

  for (const rest of ["/snapshot", "/events"]) {
    it.effect(`who asks for ${rest} and does not read is not waited for longer than half a second`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ name: "wide", objects: Array.from({ length: 1000 }, (_, i) => i) })
        const { node, url } = yield* serve({ describe: () => "語".repeat(200) })
        yield* Effect.repeat(Effect.andThen(TestClock.adjust(250), snapshot(url)), {
          until: ({ changed }) =>
            changed.some(({ name, objects }) => name === "wide" && objects.rows.every((row) => row[7] !== ""))
        })
        const { host, port } = new URL(url)
        const client = connect(Number(port), "127.0.0.1").on("error", () => {}).pause()
        yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
        const [socket] = yield* Effect.promise(() => once(node, "connection") as Promise<[Socket]>)
        const more = Effect.sync(() => client.write(`GET /pools${rest} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
        const change = Effect.andThen(pool.borrow, TestClock.adjust(250))
        yield* more
        yield* Effect.repeat(Effect.andThen(rest === "/events" ? change : more, Effect.promise(turn)), {
          until: () => socket.writableLength > 0
        })
        const closed = yield* start(closing(node))

        yield* TestClock.adjust(500)

        yield* Fiber.join(closed)
      }))
  }

  it.live("a connection that is asked by meanwhile is not kept for another request", () =>
    Effect.gen(function*() {
      const { node, url } = yield* serve()
      const { hostname, port } = new URL(url)
      const begun = request({ hostname, port, path: "/pools/snapshot", headers: { connection: "keep-alive" } })
      const arrived = once(node, "connection")
      begun.flushHeaders()
      yield* Effect.promise(() => arrived)
      const closed = yield* start(closing(node))

      const answered = once(begun, "response")
      begun.end()
      const [response] = yield* Effect.promise(() => answered)
      response.resume()

      assert.strictEqual(response.headers.connection, "close")
      yield* Fiber.join(closed)
    }))

  it.live("it is free long before it would cut its connections, though a page and a terminal are open", ({ skip }) =>
    Effect.gen(function*() {
      if (!pty) return skip("there is no `script`")
      const browser = yield* Browser
      yield* ObjectPool.make({ name: "looked at", objects: ["a"] })
      const limit = 60_000
      const { close, node, url } = yield* serve({}, { gracefulShutdownTimeout: limit })
      const page = yield* Effect.promise(() => browser.newPage())
      yield* Effect.promise(async () => {
        await page.goto(url)
        await page.waitForSelector("#state[data-state=live]")
      })
      yield* onTerminal(url)
      const closed = once(node, "close")

      const began = yield* Clock.currentTimeMillis
      yield* Effect.forkChild(close)
      yield* Effect.promise(() => closed)

      // half a second where nothing else runs; the rest is for a machine that has much else to do
      const took = (yield* Clock.currentTimeMillis) - began
      assert.isBelow(took, limit / 2)
    }).pipe(
      Effect.provide(Browser.layer),
      Effect.catchTag("NoBrowser", ({ message }) => Effect.sync(() => skip(message)))
    ))
})
