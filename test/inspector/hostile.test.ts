/** Who asks for what is not meant for him, or for more than there is. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { HttpRouter } from "effect/http"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { ObjectPool, Selector } from "../../src/index.ts"
import { Inspector } from "../../src/inspector.ts"
import { make, start } from "../support/borrowers.ts"
import { collect } from "../support/garbage.ts"
import { asked, coreOf, listen, looking, serve, snapshot, spoiled, tokenOf } from "../support/inspector.ts"
import { turn } from "../support/promises.ts"

describe("who asks by another name", () => {
  const foreign = [
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@localhost",
    "localhost@evil.example",
    "10.0.0.1",
    "[::2]",
    "localhost/",
    "."
  ]

  it.live("a request that names another server is refused, whatever it asks for", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "asked", objects: ["a"] })
      const { url } = yield* serve({ actions: true, authorize: Effect.void })
      const token = yield* tokenOf(url)

      for (const host of foreign) {
        for (const rest of ["", "/snapshot", "/events", "/pools/1/objects/1"]) {
          assert.strictEqual(yield* asked(url, `/pools${rest}`, { host }), 403, `${host} ${rest}`)
        }
        const headers = { host, "x-inspector-token": token, "content-type": "application/json" }
        const suspend = JSON.stringify({ _tag: "suspend", pool: 1 })
        assert.strictEqual(yield* asked(url, "/pools/actions", headers, "POST", suspend), 403, host)
      }
      yield* Effect.scoped(pool.tryBorrow)
    }))

  it.live("the names of this machine are accepted, those of `hosts` too, and any port", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({ hosts: ["Pools.Example.com", "bücher.example", "fe80::1"] })

      for (
        const host of [
          new URL(url).host,
          "localhost",
          "LOCALHOST:1",
          "127.0.0.1",
          "[::1]",
          "[::1]:3000",
          "pools.example.com:8443",
          "xn--bcher-kva.example",
          "[fe80::1]:80"
        ]
      ) assert.strictEqual(yield* asked(url, "/pools", { host }), 200, host)
      assert.strictEqual(yield* asked(url, "/pools", { host: "example.com" }), 403)
    }))

  it.live("a server that listens at all addresses is asked by any of them, and by no name", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({}, { host: "0.0.0.0" })

      assert.strictEqual(yield* asked(url, "/pools", { host: "10.0.0.1:3000" }), 200)
      assert.strictEqual(yield* asked(url, "/pools", { host: "evil.example" }), 403)
      assert.strictEqual(yield* asked(url, "/pools", { host: "1.2.3.4.evil.example" }), 403)
    }))

  it.effect("without a `Host`, as where a request is made by hand, the address says it", () =>
    Effect.gen(function*() {
      const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
      const status = (url: string) => Effect.promise(async () => (await handler(new Request(url))).status)

      assert.strictEqual(yield* status("http://localhost/pools"), 200)
      assert.strictEqual(yield* status("http://evil.example/pools"), 403)
      yield* Effect.promise(dispose)
    }))

  for (const hosts of ["localhost", ["http://x"], ["x:80"], ["x/y"], [""], ["*"], [1]]) {
    it.effect(`${JSON.stringify(hosts)} are no \`hosts\``, () =>
      Effect.gen(function*() {
        const layer = Inspector.layerHttp({ hosts } as object)
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Layer.provide(layer, HttpRouter.layer))))
        assert.include(String(exit), "option `hosts` is")
      }))
  }

  it.effect("an option that there is not is refused by its name, without its value", () =>
    Effect.gen(function*() {
      const layer = Inspector.layerHttp({ authorise: "hunter2" } as object)
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(Layer.provide(layer, HttpRouter.layer))))
      assert.include(String(exit), "`authorise`")
      assert.notInclude(String(exit), "hunter2")
    }))
})

describe("who writes the path in another way", () => {
  it.live("a path is answered as it is written: a middleware that guards it sees each request for it", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "guarded", objects: ["a"] })
      const { url } = yield* serve({ actions: true, authorize: Effect.void })
      yield* snapshot(url)
      const headers = { "x-inspector-token": yield* tokenOf(url), "content-type": "application/json" }

      for (
        const path of [
          "//pools",
          "/%70ools",
          "/POOLS",
          "/pools//",
          "/pools;x=1",
          "/Pools/snapshot",
          "//pools/snapshot",
          "/pools//events",
          "/pools/%65vents",
          "/pools/SNAPSHOT",
          "/pools/pools/1e0/objects/1",
          "//pools/pools/1/objects/1"
        ]
      ) assert.strictEqual(yield* asked(url, path), 404, path)
      for (const path of ["//pools/actions", "/POOLS/actions", "/pools/%61ctions"]) {
        const detect = JSON.stringify({ _tag: "detect", pool: 1 })
        assert.strictEqual(yield* asked(url, path, headers, "POST", detect), 404, path)
      }
      for (const path of ["/pools", "/pools/", "/pools?x=/y", "/pools/snapshot", "/pools/pools/1/objects/1"]) {
        assert.strictEqual(yield* asked(url, path), 200, path)
      }
    }))

  it.effect("a path that needs percent signs is answered as a browser writes it", () =>
    Effect.gen(function*() {
      const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp({ path: "/ä b" }), {
        disableLogger: true
      })
      const status = (url: string) => Effect.promise(async () => (await handler(new Request(url))).status)

      assert.strictEqual(yield* status("http://localhost/ä b/snapshot"), 200)
      assert.strictEqual(yield* status("http://localhost/ä b"), 200)
      yield* Effect.promise(dispose)
    }))
})

describe("who asks for much", () => {
  /** How often the pool of that name is looked at. */
  const counted = (name: string) => {
    const { options } = coreOf(name)
    let looks = 0
    Object.defineProperty(options, "sharing", {
      get: () => {
        looks++
        return 1
      }
    })
    return () => looks
  }

  it.effect("the pools are looked at once in a quarter of a second, however many ask", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "once", objects: ["a"] })
      const { url } = yield* serve()
      const looks = counted("once")
      const all = Effect.forEach(Array.from({ length: 200 }), () => snapshot(url), { concurrency: 20 })

      yield* all
      assert.strictEqual(looks(), 1)
      yield* TestClock.adjust(250)
      yield* all
      assert.strictEqual(looks(), 2)
    }))

  it.effect("a frame is made once for all who know the same", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "failing", acquire: Effect.fail("no"), size: { max: 1 } })
      let told = 0
      const { url } = yield* serve({ describeFailure: () => `told ${++told}` })
      yield* snapshot(url)
      yield* Effect.exit(Effect.scoped(pool.borrow))
      yield* TestClock.adjust(250)

      const clients = yield* Effect.forEach(Array.from({ length: 8 }), () => start(listen(url, 1)))
      yield* Effect.repeat(Effect.andThen(TestClock.adjust(250), Effect.promise(turn)), {
        until: () => clients.every((client) => client.pollUnsafe() !== undefined)
      })
      const messages = yield* Effect.forEach(clients, Fiber.join)
      const texts = messages.map(([message]) => message!.frame.events.map((row) => row[6]).join())

      assert.deepStrictEqual([...new Set(texts)], ["told 2, after 0 ms"])
    }))

  for (const rest of ["/snapshot", "/events"]) {
    it.effect(`32 may read ${rest} at once, and who has not read his after 10 seconds loses his place`, () =>
      Effect.gen(function*() {
        yield* ObjectPool.make({ name: "read", objects: ["a"] })
        const { dispose, handler } = HttpRouter.toWebHandler(
          Layer.provideMerge(Inspector.layerHttp(), Layer.succeed(Clock.Clock, yield* Clock.Clock)),
          { disableLogger: true }
        )
        const ask = Effect.promise(() => handler(new Request(`http://localhost/pools${rest}`)))
        const statuses = Effect.map(
          Effect.forEach(Array.from({ length: 33 }), () => ask),
          (answers) => answers.map(({ status }) => status)
        )

        assert.deepStrictEqual(yield* statuses, [...Array.from({ length: 32 }, () => 200), 503])
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual((yield* ask).status, 503)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* statuses, [...Array.from({ length: 32 }, () => 200), 503])
        yield* Effect.promise(dispose)
      }))

    it.effect(`who asks for ${rest} and does not read is disconnected after 10 seconds`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ name: "wide", objects: Array.from({ length: 1000 }, (_, i) => i) })
        const { node, url } = yield* serve({ describe: () => "語".repeat(200) })
        yield* Effect.repeat(Effect.andThen(TestClock.adjust(250), snapshot(url)), {
          until: ({ changed }) =>
            changed.some(({ name, objects }) => name === "wide" && objects.rows.every((row) => row[7] !== ""))
        })
        const { host, port } = new URL(url)
        const client = connect(Number(port), "127.0.0.1").on("error", () => {}).pause()
        yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
        const [socket] = yield* Effect.promise(() => once(node, "connection") as Promise<[Socket]>)
        let closed = false
        socket.on("close", () => closed = true)

        // as often as it takes to fill the buffers on the way
        const more = Effect.sync(() => client.write(`GET /pools${rest} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
        const change = Effect.andThen(pool.borrow, TestClock.adjust(250))
        yield* more
        yield* Effect.repeat(Effect.andThen(rest === "/events" ? change : more, Effect.promise(turn)), {
          until: () => socket.writableLength > 0
        })
        assert.isFalse(closed)
        yield* TestClock.adjust("10 seconds")
        yield* Effect.repeat(Effect.promise(turn), { until: () => closed })
      }))
  }
})

describe("who does not come to an end", () => {
  it.effect("a request for a change that is not all there after 10 seconds is not waited for", () =>
    Effect.gen(function*() {
      const { node, url } = yield* serve({ actions: true, authorize: Effect.void })
      const { host, port } = new URL(url)
      const token = yield* tokenOf(url)
      const client = connect(Number(port), "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
      let closed = false
      client.on("error", () => {}).on("close", () => closed = true).resume()
      const begun = once(node, "request")
      client.write(
        `POST /pools/actions HTTP/1.1\r\nHost: ${host}\r\nX-Inspector-Token: ${token}\r\n` +
          `Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`
      )
      yield* Effect.promise(() => begun)

      yield* TestClock.adjust("9 seconds")
      yield* Effect.promise(turn)
      assert.isFalse(closed)
      yield* TestClock.adjust("1 second")
      yield* Effect.repeat(Effect.promise(turn), { until: () => closed })
    }))
})

describe("what is large", () => {
  it.effect("of one object with very many leases the oldest ten are sent, and how many more there are", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "shared", objects: ["a"], sharing: 1e9, select: Selector.roundRobin })
      yield* Effect.repeat(pool.borrow, { times: 99_999 })
      const { frame, text } = yield* looking()

      const [row] = (yield* frame).changed.find(({ name }) => name === "shared")!.objects.rows
      assert.deepStrictEqual(row![4].map(([id]) => id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      assert.strictEqual(row![8], 99_990)
      assert.isBelow((yield* text).length, 10_000)
      yield* TestClock.adjust("2 minutes")
      assert.match(
        (yield* frame).troubles.find(({ name }) => name === "shared")!.text,
        /^at least 20000 of 100000 leases are overdue, oldest 2 min/
      )
    }))

  it.effect("a frame has its bounds, whatever the pools hold, and each pool is in it", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 100; i++) {
        const pool = yield* make({
          name: `${i} ${"\u009b".repeat(10_000)}`,
          objects: Array.from({ length: 2000 }, (_, k) => k)
        })
        for (let k = 0; k < 500; k++) yield* pool.borrow
      }
      const { frame, text } = yield* looking({ describe: () => "\u0000".repeat(1000) })
      const wide = (yield* text).length
      yield* TestClock.adjust("10 minutes")

      assert.isBelow(wide, 1_200_000)
      assert.isBelow((yield* text).length, 2_500_000)
      assert.lengthOf((yield* frame).changed, 100)
      assert.isAbove(Math.min(...(yield* frame).changed.map(({ objects }) => objects.rows.length)), 0)
      assert.isAtMost((yield* frame).troubles.length, 101)
      assert.match((yield* frame).troubles.at(-1)!.text, /^\d+ other things are wrong as well$|overdue/)
    }))
})

describe("who has a bad pool", () => {
  const broken = {
    "whose name is no text": (core: object) => Object.defineProperty(core, "options", { value: { name: 42n } }),
    "whose options throw": (core: object) =>
      Object.defineProperty(core, "options", {
        get() {
          throw new TypeError("secret")
        }
      }),
    "whose objects throw": (core: { readonly registry: object }) =>
      Object.defineProperty(core.registry, "entries", {
        get() {
          throw new RangeError("secret")
        }
      }),
    "whose totals throw": (core: object) =>
      Object.defineProperty(core, "totals", {
        get() {
          throw new RangeError("secret")
        }
      })
  }

  for (const [which, spoil] of Object.entries(broken)) {
    it.live(`a pool ${which} says so itself, and the others are seen`, () =>
      Effect.gen(function*() {
        const fine = yield* ObjectPool.make({ name: "fine", objects: ["a"] })
        const bad = yield* spoiled("bad")
        const { url } = yield* serve()
        spoil(bad)

        const frame = yield* snapshot(url)
        const listening = yield* start(listen(url, 4))
        yield* Effect.repeat(Effect.andThen(fine.with(() => Effect.void), Effect.sleep(200)), {
          until: () => listening.pollUnsafe() !== undefined
        })
        const messages = yield* Effect.flatten(Effect.sync(() => listening.pollUnsafe()!))

        for (const { changed, troubles } of [frame, messages[0]!.frame]) {
          assert.include(changed.map(({ name }) => name), "fine")
          const said = troubles.filter(({ kind }) => kind === "unreadable")
          assert.isAtMost(said.length, 1)
          for (const { text } of said) assert.match(text, /^cannot be shown: (Type|Range)Error$/)
          assert.strictEqual(changed.length + said.length, 2)
        }
        assert.isNotEmpty(messages.flatMap(({ frame }) => frame.events))
        assert.notInclude(JSON.stringify([frame, messages]), "secret")
      }))
  }
})

describe("who describes badly", () => {
  it.effect("what cannot be made a text, and what never ends, hold up none of the others", () =>
    Effect.gen(function*() {
      yield* make({ name: "told", objects: Array.from({ length: 40 }, (_, i) => i) })
      let asked = 0
      const describe = ({ object }: { readonly object: unknown }) => {
        asked++
        const i = object as number
        if (i < 16) return Effect.uninterruptible(Effect.never)
        if (i === 16) {
          return {
            toString: () => {
              throw new Error("secret")
            }
          } as unknown as string
        }
        if (i === 17) return Object.create(null) as string
        return `number ${i}`
      }
      const { frame } = yield* looking({ describe })
      const said = Effect.map(
        frame,
        ({ changed }) => changed.find(({ name }) => name === "told")!.objects.rows.map((row) => row[7])
      )
      yield* said
      yield* TestClock.adjust("3 seconds")

      assert.deepStrictEqual(yield* said, [
        ...Array.from({ length: 16 }, () => "(describe took too long)"),
        "(describe failed)",
        "(describe failed)",
        ...Array.from({ length: 22 }, (_, i) => `number ${18 + i}`)
      ])
      yield* TestClock.adjust("30 seconds")
      yield* said
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(asked, 40 + 24, "what has not ended is not asked again")
    }))
})

describe("who drops a pool", () => {
  it.live("it goes, though somebody looks, and is not shown any more", () =>
    Effect.gen(function*() {
      const { url } = yield* serve()
      const names = Effect.map(
        snapshot(url),
        ({ changed }) => changed.map(({ name }) => name).filter((name) => name.startsWith("dropped"))
      )
      yield* Effect.forkChild(Effect.forever(listen(url)))
      for (let i = 0; i < 3; i++) {
        const pool = yield* Scope.provide(
          ObjectPool.make({ name: `dropped ${i}`, acquire: Effect.succeed({}), size: { min: 1 } }),
          Scope.makeUnsafe()
        )
        yield* pool.with(() => Effect.void)
      }
      assert.lengthOf(yield* names, 3)
      yield* Effect.sleep(300)

      yield* Effect.repeat(Effect.andThen(Effect.andThen(Effect.sync(collect), Effect.sleep(50)), names), {
        until: (left) => left.length < 3
      })
    }))
})
