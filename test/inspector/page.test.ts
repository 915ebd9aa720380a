/** The page in a real browser; without one its tests are skipped. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerRequest } from "effect/http"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { Script } from "node:vm"
import type { Browser as Chromium, Page } from "playwright-core"
import { Browser } from "../../examples/browserPages/Browser.ts"
import { SharedPool } from "../../src/cluster.ts"
import { ObjectPool } from "../../src/index.ts"
import type { InspectorActions, InspectorOptions } from "../../src/inspector.ts"
import { serve, spoiled } from "../support/inspector.ts"
import { makeWire } from "../support/wire.ts"

describe("the page", () => {
  const scope = Scope.makeUnsafe()
  let chromium: Chromium | undefined
  let missing = ""

  beforeAll(async () => {
    const exit = await Effect.runPromiseExit(Scope.provide(Layer.build(Browser.layer), scope))
    if (Exit.isSuccess(exit)) chromium = Context.get(exit.value, Browser)
    else missing = String(exit.cause)
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  /** A page that has had its first frame. Whatever its console says is a failure of the test. */
  const open = (options: InspectorOptions & InspectorActions, skip: (note: string) => never) =>
    Effect.gen(function*() {
      if (chromium === undefined) return skip(missing)
      const { url } = yield* serve(options)
      const page = yield* Effect.acquireRelease(
        Effect.promise(() => chromium!.newPage({ viewport: { width: 1400, height: 1000 } })),
        (page) => Effect.promise(() => page.close())
      )
      const said: Array<string> = []
      page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`))
      page.on("pageerror", (error) => said.push(String(error)))
      yield* Effect.promise(async () => {
        await page.goto(url)
        await page.waitForSelector("#state[data-state=live]")
      })
      return { page, said, url }
    })

  /** The numbers of a pool in the table, by the names of their columns. */
  const numbers = (page: Page, pool: string) =>
    Effect.promise(() =>
      page.evaluate(`(() => {
        const table = document.getElementById("overview")
        const row = [...table.tBodies[0].rows].find((row) => row.cells[0].textContent === ${JSON.stringify(pool)})
        return Object.fromEntries([...row.cells].map((cell, i) => [table.tHead.rows[0].cells[i].textContent, cell.textContent]))
      })()`) as Promise<Record<string, string>>
    )
  /** What Playwright has for this evaluates a string in the page, which the page does not allow. */
  const until = (page: Page, expression: string) =>
    Effect.repeat(Effect.promise(() => page.evaluate(expression)), {
      until: (holds) => holds === true,
      schedule: Schedule.spaced(50)
    })

  it.live("its script is a script", () =>
    Effect.gen(function*() {
      const { url } = yield* serve()
      const text = yield* Effect.promise(async () => (await fetch(url)).text())
      const [, script] = /<script[^>]*>([^]+)<\/script>/.exec(text)!
      assert.doesNotThrow(() => new Script(script!))
    }))

  it.live("its counts are those of `stats`, and a change is seen", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "seen", objects: ["a", "b", "c", "d"], sharing: 1 })
      yield* pool.borrow
      const { page, said } = yield* open({}, skip)

      const stats = yield* pool.stats
      const shown = yield* numbers(page, "seen")
      assert.deepStrictEqual(
        [shown["Objects"], shown["Available"], shown["Borrowed"], shown["Waiting"]].map(Number),
        [stats.size, stats.available, stats.borrowed, stats.waiting]
      )

      const lease = yield* pool.borrow
      yield* until(page, `document.getElementById("overview").tBodies[0].rows[0].cells[4].textContent === "2"`)
      yield* lease.release
      yield* pool.suspend
      yield* until(page, `document.querySelector(".pool .badge").textContent === "suspended"`)
      yield* until(page, `document.getElementById("troubles").textContent.includes("suspended: nothing is lent")`)
      assert.deepStrictEqual(said, [])
    }))

  it.live("what comes from a pool is text, whatever it looks like", ({ skip }) =>
    Effect.gen(function*() {
      const name = `<img src=x onerror="document.title='owned'">`
      yield* ObjectPool.make({ name, objects: ["<script>document.title='owned'</script>"] })
      const { page, said } = yield* open({ describe: ({ object }) => String(object) }, skip)

      yield* Effect.promise(() => page.click(".pool details summary"))
      yield* until(page, `document.querySelector(".pool tbody").textContent.includes("<script>")`)

      assert.strictEqual((yield* numbers(page, name))["Pool"], name)
      assert.notInclude(yield* Effect.promise(() => page.title()), "owned")
      assert.deepStrictEqual(said, [])
    }))

  it.live("names the processes that borrow, in text, as they come", ({ skip }) =>
    Effect.gen(function*() {
      class Keys extends SharedPool.Service<Keys>()("remote", { object: Schema.String }) {}
      const wire = makeWire()
      yield* Layer.build(
        Keys.layerServer({ objects: ["a"] }).pipe(
          Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
          Layer.orDie
        )
      )
      yield* ObjectPool.make({ name: "local", objects: ["a"] })
      const { page, said } = yield* open({}, skip)
      const text = (pool: string) =>
        `[...document.querySelectorAll(".pool")].find((pool) => pool.querySelector("h2").textContent === "${pool}")` +
        `.querySelector(".remote").innerText`
      yield* until(page, `${text("remote")} === "No process borrows"`)

      const worker = Keys.layerRemote.pipe(
        Layer.provide([wire.layerClient(), SharedPool.layerPass({ name: "<b>worker</b>" })]),
        Layer.orDie
      )
      yield* Scope.provide(Context.get(yield* Layer.build(worker), Keys).borrow, yield* Effect.scope)

      yield* until(page, `${text("remote")}.startsWith("1 process borrows\\n<b>worker</b> on ")`)
      yield* until(page, `${text("remote")}.includes(" 1 lease, connected for ")`)
      yield* until(page, `${text("local")} === ""`)
      assert.deepStrictEqual(said, [])
    }).pipe(Effect.scoped))

  it.live("a pool that cannot be shown says so, and of an object with many leases the number is told", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "shared", objects: ["a"], sharing: 100 })
      yield* Effect.repeat(pool.borrow, { times: 24 })
      const bad = yield* spoiled("bad")
      const { page, said } = yield* open({}, skip)
      yield* until(page, `document.querySelectorAll(".pool").length === 2`)
      Object.defineProperty(bad.registry, "entries", {
        get() {
          throw new RangeError("secret")
        }
      })

      yield* until(
        page,
        `document.getElementById("troubles").textContent.includes("cannot be shown: RangeError")`
      )
      yield* until(page, `document.querySelectorAll(".pool").length === 1`)
      assert.strictEqual((yield* numbers(page, "shared"))["Borrowed"], "1")
      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("Home")
      })
      yield* until(page, `document.querySelector(".detail").textContent.includes("and 15 leases more")`)
      assert.deepStrictEqual(said, [])
    }))

  it.live("10 000 objects are drawn, and one of them is found with the keyboard", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "huge", objects: Array.from({ length: 10_000 }, (_, i) => i) })
      for (let i = 0; i < 500; i++) yield* pool.borrow
      yield* Effect.forkChild(Effect.forever(Effect.andThen(
        Effect.forEach(Array.from({ length: 100 }), () => pool.with(() => Effect.void), { discard: true }),
        Effect.sleep(5)
      )))
      const { page, said } = yield* open({}, skip)

      assert.strictEqual((yield* numbers(page, "huge"))["Objects"], "10,000")
      const blank = yield* Effect.promise(() =>
        page.evaluate(`(() => {
          const canvas = document.querySelector("canvas")
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
          const seen = new Set()
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data[i] + "," + data[i + 1] + "," + data[i + 2])
          return seen.size
        })()`)
      )
      assert.isAtLeast(Number(blank), 2, "available and borrowed have a colour each")
      // how long the page does not answer, half of the time: the machine may be busy with other things at times
      const usual = yield* Effect.promise(() =>
        page.evaluate(`new Promise((resolve) => {
          const times = [performance.now()]
          const next = () => {
            times.push(performance.now())
            if (times.length < 90) return requestAnimationFrame(next)
            resolve(times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b)[45])
          }
          requestAnimationFrame(next)
        })`)
      )
      assert.isBelow(Number(usual), 1000)

      yield* Effect.promise(async () => {
        await page.focus("canvas")
        await page.keyboard.press("End")
      })
      yield* until(page, `/^Object 10000.*old$/.test(document.querySelector(".detail").textContent)`)
      assert.deepStrictEqual(said, [])
    }))

  it.live("who is authorized acts, from the page itself", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "acted", acquire: Effect.sync(() => ({})), size: { min: 1, max: 4 } })
      let allowed = true
      const authorize = Effect.gen(function*() {
        yield* HttpServerRequest.HttpServerRequest
        if (!allowed) return yield* Effect.fail("no")
      }) as Effect.Effect<void, string>
      const { page } = yield* open({ actions: true, authorize }, skip)

      yield* Effect.promise(async () => {
        await page.click("text=Suspend")
        await page.click("#dialog-yes")
      })
      yield* until(page, `document.querySelector(".pool .badge").textContent === "suspended"`)
      allowed = false
      yield* Effect.promise(() => page.click("text=Resume"))
      yield* until(page, `document.getElementById("toast").textContent === "Refused: you may not do this"`)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(pool.tryBorrow)))._tag, "PoolExhausted")
    }))

  it.live("events are filtered, and pausing holds the picture", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "told", objects: ["a"] })
      const { page, said } = yield* open({}, skip)
      yield* Effect.repeat(pool.with(() => Effect.void), { times: 4 })
      yield* pool.suspend

      yield* until(page, `document.getElementById("event-rows").rows.length === 11`)
      yield* Effect.promise(async () => {
        await page.keyboard.press("/")
        await page.keyboard.type("suspended")
      })
      yield* until(page, `document.getElementById("event-rows").rows.length === 1`)
      yield* Effect.promise(() => page.click("#pause"))
      yield* pool.resume
      yield* Effect.sleep(700)
      assert.strictEqual(yield* Effect.promise(() => page.textContent(".pool .badge")), "suspended")
      yield* Effect.promise(() => page.click("#pause"))
      yield* until(page, `document.querySelector(".pool .badge").textContent === "open"`)
      assert.deepStrictEqual(said, [])
    }))

  it.live("everything is reached by keyboard, and has a name", ({ skip }) =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "reached", objects: ["a"] })
      const { page } = yield* open({}, skip)

      const nameless = yield* Effect.promise(() =>
        page.evaluate(
          `[...document.querySelectorAll("button, a, input, select, canvas, table, [tabindex]")].filter((e) =>
          e.checkVisibility() && !(e.ariaLabel || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.labels?.length ||
            e.querySelector("caption"))).map((e) => e.outerHTML)`
        )
      )
      assert.deepStrictEqual(nameless, [])
      const order = yield* Effect.promise(async () => {
        const reached: Array<string> = []
        for (let i = 0; i < 20; i++) {
          await page.keyboard.press("Tab")
          reached.push(await page.evaluate(`document.activeElement.id || document.activeElement.tagName`))
        }
        return reached
      })
      assert.includeMembers(order, ["pause", "CANVAS", "SUMMARY", "event-pool", "event-text"])
    }))
})
