import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { connect, type Socket } from "node:net"
import { ObjectPool } from "../../src/index.ts"
import { Inspector } from "../../src/inspector.ts"
import { stopped } from "../support/clocks.ts"
import { listen, serve, snapshot, tokenOf } from "../support/inspector.ts"

describe("the options of the inspector", () => {
  const building = (options: object) =>
    Effect.exit(Effect.scoped(Layer.build(Layer.provide(Inspector.layerHttp(options), HttpRouter.layer))))

  it.effect("without `authorize` there are no actions: the layer refuses to build", () =>
    Effect.gen(function*() {
      const exit = yield* building({ actions: true })

      assert.strictEqual(
        Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "",
        "InvalidInspectorOptions: Inspector: option `authorize` is undefined; allowed: with `actions: true` an effect " +
          "that fails to refuse a request"
      )
    }))

  for (const path of ["pools", "/a/:b", "/a/*", ""]) {
    it.effect(`"${path}" is no path`, () =>
      Effect.gen(function*() {
        assert.isTrue(Exit.isFailure(yield* building({ path })))
      }))
  }

  it.effect("any other path will do, the root as well", () =>
    Effect.forEach(["/", "/admin/pools", "/admin/pools/"] as const, (path) =>
      Effect.gen(function*() {
        const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp({ path }), { disableLogger: true })
        const at = `http://localhost${path.replace(/\/$/, "")}`

        const answers = yield* Effect.promise(() =>
          Promise.all([handler(new Request(at)), handler(new Request(`${at}/snapshot`))])
        )

        assert.deepStrictEqual(answers.map(({ status }) => status), [200, 200])
        yield* Effect.promise(dispose)
      })))
})

describe("what is read", () => {
  it.live("the page allows nothing but itself, and is kept nowhere", () =>
    Effect.gen(function*() {
      const { url } = yield* serve()

      const [{ headers }, text] = yield* Effect.promise(async () => {
        const response = await fetch(url)
        return [response, await response.text()] as const
      })

      const policy = headers.get("content-security-policy") ?? ""
      assert.match(
        policy,
        /^default-src 'none'; script-src 'nonce-([\w-]+)'; style-src 'nonce-\1'; .*connect-src 'self'/
      )
      assert.notInclude(policy, "unsafe")
      assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
      assert.strictEqual(headers.get("cache-control"), "no-store")
      // the namespace of SVG is a name, not an address
      assert.notMatch(
        text.replaceAll("http://www.w3.org/2000/svg", ""),
        /https?:\/\//,
        "nothing is loaded from elsewhere"
      )
      assert.notMatch(text, /<[^>]+\s(on\w+|style)=/, "no inline handler, no inline style")
      assert.notInclude(text, `name="inspector-token"`, "no token where nothing can be changed")
    }))

  it.live("the counts are those of `stats`", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "counted", objects: ["a", "b", "c"] })
      yield* pool.borrow
      const { url } = yield* serve()

      const picture = (yield* snapshot(url)).changed.find(({ name }) => name === "counted")

      assert.deepStrictEqual(picture?.stats, yield* pool.stats)
      assert.deepStrictEqual(picture?.objects.rows.map(([, letter]) => letter).sort(), ["A", "A", "B"])
    }))

  it.live("no object, datum or message of a failure leaves the process, unless the options say it", () =>
    Effect.gen(function*() {
      const secret = "s3cr3t"
      const failure = Object.assign(new Error(`cannot connect as ${secret}`), { code: "ECONNREFUSED", secret })
      const failing = yield* ObjectPool.make({
        name: "failing",
        acquire: Effect.fail(failure),
        size: { max: 1 },
        creation: { retry: Schedule.recurs(0) }
      })
      yield* ObjectPool.make({ name: "secretive", objects: [{ password: secret }], data: { token: secret } })
      const { url } = yield* serve()
      const listening = yield* Effect.forkChild(listen(url, 8))
      yield* Effect.sleep(300)
      yield* Effect.repeat(Effect.exit(Effect.scoped(failing.borrow)), { times: 11 })
      const said = "the factory has failed 12 times in a row: ECONNREFUSED"
      const seen = yield* Effect.repeat(Effect.delay(snapshot(url), 100), {
        until: (frame) => JSON.stringify(frame).includes(said)
      })

      const text = JSON.stringify([seen, ...(yield* Fiber.join(listening)).map(({ frame }) => frame)])

      assert.notInclude(text, secret)
    }))

  it.live("`describe` says what is seen of an object; one that fails, throws or hangs does no harm", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "described", objects: ["fine", "effect", "fails", "throws", "never"] })
      const { url } = yield* serve({
        describe: ({ object }) => {
          switch (object) {
            case "effect":
              return Effect.as(Effect.sleep(10), "an effect has said so")
            case "fails":
              return Effect.fail("secret")
            case "throws":
              throw new Error("secret")
            case "never":
              return Effect.never
            default:
              return `${String(object)} <b>`
          }
        }
      })

      const messages = yield* listen(url)

      const rows = messages.flatMap(({ frame }) => frame.changed).findLast(({ name }) => name === "described")?.objects
        .rows
      assert.deepStrictEqual(rows?.map((row) => row[7]), [
        "fine <b>",
        "an effect has said so",
        "(describe failed)",
        "(describe failed)",
        "(describe took too long)"
      ])
    }))

  it.effect("another site may link to the page, and read nothing", () =>
    Effect.gen(function*() {
      const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
      const status = (rest: string, site: string, mode: string) =>
        Effect.promise(async () => {
          const headers = { "sec-fetch-site": site, "sec-fetch-mode": mode }
          return (await handler(new Request(`http://localhost/pools${rest}`, { headers }))).status
        })

      assert.strictEqual(yield* status("", "cross-site", "navigate"), 200)
      assert.strictEqual(yield* status("", "none", "navigate"), 200)
      assert.strictEqual(yield* status("/snapshot", "same-origin", "cors"), 200)
      for (const rest of ["", "/snapshot", "/events"]) {
        assert.strictEqual(yield* status(rest, "cross-site", "cors"), 403)
        assert.strictEqual(yield* status(rest, "same-site", "no-cors"), 403)
      }
      yield* Effect.promise(dispose)
    }))
})

describe("the stream of frames", () => {
  it.live("there are at most 4 a second, however busy the pool", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "busy", objects: ["a"] })
      const { url } = yield* serve()
      yield* Effect.forkChild(Effect.forever(Effect.repeat(pool.with(() => Effect.void), { times: 100 })))

      const messages = yield* listen(url)

      const seconds = (messages.at(-1)!.frame.at - messages[0]!.frame.at) / 1000
      assert.isAtMost(messages.length - 1, seconds * 4 + 1)
      assert.isAtLeast(messages.length, 2)
      const borrows = messages.flatMap(({ frame }) => frame.seconds).flatMap(({ borrows }) => borrows)
      assert.isAbove(Math.max(...borrows), 50)
      assert.isAtMost(Math.max(...messages.slice(1).map(({ frame }) => JSON.stringify(frame).length)), 100_000)
    }))

  it.live("it ends by itself, and the next goes on where it was", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "resumed", objects: ["a"] })
      const { url } = yield* serve()
      yield* Effect.forkChild(Effect.forever(Effect.andThen(pool.with(() => Effect.void), Effect.sleep(100))))

      const first = yield* listen(url)
      const second = yield* listen(url, 2, { "last-event-id": first.at(-1)!.id })

      const seqs = [...first, ...second].flatMap(({ frame }) => frame.events).map(([seq]) => seq)
      assert.deepStrictEqual(seqs, seqs.map((_, i) => i + 1), "no event is lost, none comes twice")
      assert.deepStrictEqual([first[0]!.frame.full, second[0]!.frame.full], [true, false])
    }))

  it.live("nothing is paid before somebody looks", () =>
    Effect.gen(function*() {
      const { clock, readings } = yield* stopped
      const pool = yield* Effect.provideService(ObjectPool.make({ name: "quiet", objects: ["a"] }), Clock.Clock, clock)
      // what is told is told with its time
      const cost = Effect.gen(function*() {
        const before = readings.wall
        yield* pool.with(() => Effect.void)
        return readings.wall - before
      })
      const alone = yield* cost
      const { url } = yield* serve()

      yield* Effect.promise(async () => (await fetch(url)).text())
      assert.strictEqual(yield* cost, alone, "the page alone starts nothing")
      yield* listen(url, 1)
      assert.isAbove(yield* cost, alone)
    }))

  it.live("a client that stops reading costs one frame, and what the server buffers", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "large", objects: Array.from({ length: 1000 }, (_, i) => i) })
      const { node, url } = yield* serve({ describe: () => "x".repeat(200) })
      const sockets: Array<Socket> = []
      node.on("connection", (socket) => sockets.push(socket))
      yield* Effect.forkChild(
        Effect.forever(Effect.andThen(pool.with(() => Effect.void), Effect.sleep(1))),
        { startImmediately: true }
      )
      const { host, port } = new URL(url)
      const stalled = connect(Number(port), "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => stalled.destroy()))
      // it asks again and again over its one connection, and never reads an answer
      stalled.pause()
      stalled.write(`GET /pools/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(100))

      // in the end nothing more is written
      let [before, written] = [-1, 0]
      while (written === 0 || written !== before) {
        yield* Effect.sleep("2 seconds")
        ;[before, written] = [written, sockets[0]?.bytesWritten ?? 0]
      }

      assert.isBelow(sockets[0]!.writableLength, 600_000)
      // the others are served
      yield* Effect.repeat(listen(url, 4), {
        until: (messages) => messages.some(({ frame }) => JSON.stringify(frame).length > 200_000)
      })
    }))

  it.live("not more than 32 may look at once", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "popular", objects: ["a"] })
      const { url } = yield* serve()
      const looks = (signal: AbortSignal) => fetch(`${url}/events`, { signal })

      const { first, next } = yield* Effect.scoped(Effect.gen(function*() {
        const signal = yield* Effect.abortSignal
        return {
          first: yield* Effect.promise(() => Promise.all(Array.from({ length: 32 }, () => looks(signal)))),
          next: yield* Effect.promise(() => looks(signal))
        }
      }))

      assert.deepStrictEqual([...new Set(first.map(({ status }) => status)), next.status], [200, 503])
      // as soon as the server has seen that the others have gone
      yield* Effect.repeat(Effect.delay(Effect.promise(async () => (await fetch(`${url}/events`)).status), 50), {
        until: (status) => status === 200
      })
    }))
})

describe("changes", () => {
  const post = (url: string, body: unknown, headers: Record<string, string>) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/actions`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body)
      })
      return { status: response.status, error: (await response.json().catch(() => ({})) as { error?: string }).error }
    })

  /** A pool, its id, and who asks something of it with the token of the page. */
  const scene = Effect.fnUntraced(function*(authorize: Effect.Effect<unknown, unknown> = Effect.void) {
    const pool = yield* ObjectPool.make({ name: "changed", acquire: Effect.sync(() => ({})), size: { min: 2, max: 4 } })
    yield* pool.ready
    const { url } = yield* serve({ actions: true, authorize })
    const id = (yield* snapshot(url)).changed.find(({ name }) => name === "changed")!.id
    const token = yield* tokenOf(url)
    const ask = (body: object, headers: Record<string, string> = {}) =>
      post(url, { pool: id, ...body }, { "x-inspector-token": token, ...headers })
    return { ask, id, pool, token, url }
  })

  it.live("there is no way to change anything unless `actions` says so", () =>
    Effect.gen(function*() {
      const { url } = yield* serve()

      assert.strictEqual((yield* post(url, { _tag: "suspend", pool: 1 }, {})).status, 404)
    }))

  it.live("each action is carried out", () =>
    Effect.gen(function*() {
      const { ask, pool } = yield* scene()
      const ids = Effect.map(pool.objects, (objects) => objects.map(({ id }) => id))

      assert.deepStrictEqual(yield* ask({ _tag: "resize", min: 1, max: 3 }), { status: 202, error: undefined })
      const { max, min } = yield* pool.stats
      assert.deepStrictEqual([min, max], [1, 3])

      assert.strictEqual((yield* ask({ _tag: "suspend" })).status, 202)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(pool.tryBorrow)))._tag, "PoolExhausted")
      assert.strictEqual((yield* ask({ _tag: "resume" })).status, 202)
      yield* Effect.scoped(pool.tryBorrow)

      const [first] = yield* ids
      assert.strictEqual((yield* ask({ _tag: "destroy", object: first! })).status, 202)
      assert.notInclude(yield* ids, first)

      const before = yield* ids
      assert.strictEqual((yield* ask({ _tag: "rotate" })).status, 202)
      yield* Effect.repeat(Effect.delay(ids, 10), { until: (now) => !now.some((id) => before.includes(id)) })
      assert.strictEqual((yield* ask({ _tag: "detect" })).status, 202)
    }))

  it.live("what makes no sense is refused, and says why", () =>
    Effect.gen(function*() {
      const { ask, token, url } = yield* scene()

      assert.deepStrictEqual(
        [
          yield* ask({ _tag: "resize", max: 0 }),
          yield* ask({ _tag: "destroy", object: 99 }),
          yield* ask({ _tag: "suspend", pool: 999 }),
          yield* ask({ _tag: "explode" }),
          yield* post(url, "no JSON", { "x-inspector-token": token }),
          yield* post(url, JSON.stringify({ _tag: "suspend", pool: 1, more: "x".repeat(10_000) }), {
            "x-inspector-token": token
          }),
          yield* ask({ _tag: "suspend" }, { "content-type": "text/plain" })
        ].map(({ status }) => status),
        [422, 404, 404, 400, 400, 400, 415]
      )
    }))

  it.live("without the token of the page nothing is done", () =>
    Effect.gen(function*() {
      const { id, pool, token, url } = yield* scene(Effect.die("not even asked"))

      for (const given of [undefined, "", "x", token.slice(1), `${token}x`, token.toUpperCase()]) {
        const answer = yield* post(
          url,
          { _tag: "suspend", pool: id },
          given === undefined ? {} : { "x-inspector-token": given }
        )
        assert.strictEqual(answer.status, 403, given)
      }
      yield* Effect.scoped(pool.tryBorrow)
    }))

  it.live("another site is refused, whatever it knows", () =>
    Effect.gen(function*() {
      const { ask, pool, url } = yield* scene()

      const { host, origin } = new URL(url)
      for (
        const headers of [
          { "sec-fetch-site": "cross-site" },
          { "sec-fetch-site": "same-site", origin },
          { "sec-fetch-site": "none" },
          { origin: "https://example.com" },
          { origin: `http://${host}.example.com` },
          { origin: "null" }
        ]
      ) assert.strictEqual((yield* ask({ _tag: "suspend" }, headers)).status, 403, JSON.stringify(headers))
      yield* Effect.scoped(pool.tryBorrow)
      assert.strictEqual((yield* ask({ _tag: "detect" }, { origin })).status, 202)
      assert.strictEqual((yield* ask({ _tag: "detect" }, { origin, "sec-fetch-site": "same-origin" })).status, 202)
    }))

  it.live("`authorize` sees the request; its failure refuses, or is the answer", () =>
    Effect.gen(function*() {
      const authorize = Effect.gen(function*() {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        if (headers["authorization"] === "Basic eDp5") return
        if (headers["authorization"] !== undefined) return yield* Effect.fail("wrong password")
        return yield* Effect.fail(
          HttpServerResponse.empty({ status: 401, headers: { "www-authenticate": "Basic" } })
        )
      })
      const { ask, pool } = yield* scene(authorize as Effect.Effect<void, unknown>)

      assert.strictEqual((yield* ask({ _tag: "suspend" })).status, 401)
      assert.deepStrictEqual(yield* ask({ _tag: "suspend" }, { authorization: "Basic eDp6" }), {
        status: 403,
        error: "you may not do this"
      })
      yield* Effect.scoped(pool.tryBorrow)
      assert.strictEqual((yield* ask({ _tag: "suspend" }, { authorization: "Basic eDp5" })).status, 202)
    }))

  it.live("an `authorize` that dies refuses", () =>
    Effect.gen(function*() {
      const { ask, pool } = yield* scene(Effect.die("bug"))

      assert.strictEqual((yield* ask({ _tag: "suspend" })).status, 500)
      yield* Effect.scoped(pool.tryBorrow)
    }))
})
