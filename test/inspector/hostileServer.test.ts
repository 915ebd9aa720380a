/** What the terminal does with a server that sends anything: as a program of its own, and with a screen that remembers. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { screen } from "../../src/bin/command.ts"
import { ObjectPool } from "../../src/index.ts"
import type { Frame } from "../../src/internal/inspection/frame.ts"
import { Story } from "../../src/internal/inspection/terminal.ts"
import { isDrawn } from "../../src/internal/inspection/wire.ts"
import { command, onScreen, onTerminal, pty, serve, snapshot } from "../support/inspector.ts"
import { turn } from "../support/promises.ts"

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A server that answers as it likes. */
const hostile = Effect.fnUntraced(function*(answer: Answer) {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? "")
    answer(request, response)
  }).listen(0, "127.0.0.1")
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
  )
  yield* Effect.promise(() => once(server, "listening"))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pools`, asked }
})

/** As fast as it is read. */
const endless = (response: ServerResponse, text: string): void => {
  const more = () => {
    while (!response.destroyed && response.write(text));
  }
  response.on("drain", more)
  more()
}

const frame: Frame = {
  at: 1_700_000_000_000,
  full: true,
  actions: false,
  pools: [1],
  more: 0,
  troubles: [],
  changed: [{
    id: 1,
    name: "shown",
    life: "Open",
    suspended: false,
    sharing: 1,
    makes: false,
    detects: false,
    stats: { size: 1, min: 0, making: 0, leases: 0, waiting: 0 } as Frame["changed"][0]["stats"],
    overdue: 0,
    objects: { rows: [[1, "A", 0, 0, [], 0, 0, "", 0]], beyond: 0 },
    waiters: [],
    limited: false,
    allowances: [],
    moreAllowances: 0,
    back: []
  }],
  seconds: [],
  events: []
}

describe("what comes from a server", () => {
  it.live("a body without an end is not read to its end", () =>
    Effect.gen(function*() {
      const { url } = yield* hostile((_, response) => endless(response, " ".repeat(65_536)))

      for (const flag of ["--once", "--json"]) {
        const { code, stderr, stdout } = yield* command(url, flag)
        assert.deepStrictEqual([code, stdout], [1, ""])
        // on a machine that has much else to do its patience may end first
        assert.match(stderr, /^No inspector at .*: it (sends more than 8 MB|does not (answer|go on|come to an end))\n$/)
      }
    }))

  it.effect("a line without an end ends the stream, and the next is asked for", () =>
    Effect.gen(function*() {
      const { asked, url } = yield* hostile((request, response) => {
        if (request.url === "/pools/snapshot") response.end(JSON.stringify(frame))
        else endless(response, "x".repeat(65_536))
      })
      const { fiber, shown, until } = yield* onScreen(url)

      yield* until(() => shown.some((text) => text.includes("no connection (it sends more than 8 MB), trying again")))
      yield* until(() => asked.filter((path) => path === "/pools/events").length > 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(shown.at(-1), screen.restore)
    }))

  it.effect("an event is taken however its lines end, however many they are, and wherever the stream is parted", () =>
    Effect.gen(function*() {
      const { asked, url } = yield* hostile(({ headers, url = "" }, response) => {
        const after = headers["last-event-id"]
        if (url === "/pools/snapshot") return void response.end(JSON.stringify(frame))
        // the first stream is over at once: the next is to go on where it was
        if (after !== undefined) return void asked.push(`after ${String(after)}`)
        const [first, ...rest] = JSON.stringify({ ...frame, changed: [{ ...frame.changed[0]!, name: "in lines" }] })
          .split(
            /(?=,"(?:more|at|changed)")/
          )
        const message = `: a comment\r\nid: k.7.8\r\nevent: message\r\n${
          [first, ...rest].map((part) => `data:${part}\r\n`).join("")
        }\r\n`
        for (let i = 0; i < message.length; i += 100) response.write(message.slice(i, i + 100))
        response.end()
      })
      const { fiber, shown, until } = yield* onScreen(url)

      yield* until(() => shown.some((text) => text.includes("in lines  open")))
      yield* until(() => asked.includes("after k.7.8"))
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("a server that is silent is not waited for, whatever it has begun", () =>
    Effect.gen(function*() {
      for (const begin of [() => {}, (response: ServerResponse) => void response.write("{")]) {
        const { asked, url } = yield* hostile((_, response) => begin(response))
        const { fiber, shown } = yield* onScreen(url)
        yield* Effect.repeat(Effect.promise(turn), { until: () => asked.length === 1 })

        yield* TestClock.adjust("20 seconds")
        const exit = yield* Fiber.await(fiber)
        assert.match(
          Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "",
          /it does not (answer|go on|come to an end)$/
        )
        assert.deepStrictEqual(shown, [])
      }
    }))

  const malformed = {
    "no JSON": "{",
    "nothing": "null",
    "no pictures": JSON.stringify({ ...frame, changed: [{}] }),
    "a time that there is not": JSON.stringify({ ...frame, at: 1e300 }),
    "an event at such a time": JSON.stringify({ ...frame, events: [[1, 1, 1e18, "Added", 1, 0, ""]] }),
    "troubles of another kind": JSON.stringify({
      ...frame,
      troubles: [{ name: "x", text: "y", severity: "__proto__" }]
    }),
    "allowances that are none": JSON.stringify({
      ...frame,
      changed: [{ ...frame.changed[0]!, allowances: [["x", "1", 1, 1, 0]] }]
    }),
    "objects that are back at no time": JSON.stringify({
      ...frame,
      changed: [{ ...frame.changed[0]!, back: [[1, 1e300, ""]] }]
    }),
    "very deep nesting": "[".repeat(1_000_000)
  }
  for (const [what, text] of Object.entries(malformed)) {
    it.effect(`a frame with ${what} is none, at first or later`, () =>
      Effect.gen(function*() {
        let first = text
        const { url } = yield* hostile((request, response) => {
          if (request.url === "/pools/snapshot") response.end(first)
          else response.write(`data: ${text}\n\n`)
        })
        const alone = yield* onScreen(url)
        const exit = yield* Fiber.await(alone.fiber)
        assert.match(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", /is not of an inspector$/)

        first = JSON.stringify(frame)
        const { fiber, shown, until } = yield* onScreen(url)
        yield* until(() =>
          shown.some((line) => line.includes("no connection (what it answers is not of an inspector)"))
        )
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(shown.at(-1), screen.restore)
      }))
  }

  it.live(
    "it is not followed to another server, and to another address of its own not for ever",
    () =>
      Effect.gen(function*() {
        const other = yield* hostile((_, response) => response.end(JSON.stringify(frame)))
        const away = yield* hostile((_, response) => response.writeHead(302, { location: other.url }).end())
        const round = yield* hostile((request, response) =>
          response.writeHead(307, { location: `${request.url}x` }).end()
        )
        const moved = yield* hostile((request, response) =>
          request.url === "/new/snapshot"
            ? response.end(JSON.stringify(frame))
            : response.writeHead(308, { location: "/new/snapshot" }).end()
        )

        const answers = yield* Effect.forEach([away, round, moved], ({ url }) => command(url, "--once"), {
          concurrency: 3
        })

        assert.deepStrictEqual(answers.map(({ code, stderr }) => [code, stderr.split(": ").at(-1)]), [
          [1, "it sends on to another server\n"],
          [1, "it sends on and on\n"],
          [0, ""]
        ])
        assert.deepStrictEqual(other.asked, [])
        assert.lengthOf(round.asked, 4)
      })
  )

  it.live("what a terminal would obey is replaced, and in JSON written by its number", () =>
    Effect.gen(function*() {
      const name = "\u001b]0;x\u0007\u009b31mred\u009d8;;http://evil.example\u009c\u202e\u200b\u2028\u{e0041}"
      yield* ObjectPool.make({ name, objects: ["a"] })
      const { url } = yield* serve()

      const [json, once] = yield* Effect.forEach(["--json", "--once"], (flag) => command(url, flag), { concurrency: 2 })

      assert.include((JSON.parse(json!.stdout) as Frame).changed.map((picture) => picture.name), name)
      for (const { stderr, stdout } of [json!, once!]) {
        assert.notMatch(stdout.replaceAll("\n", ""), /[\p{C}\p{Zl}\p{Zp}]/u)
        assert.strictEqual(stderr, "")
      }
      assert.include(json!.stdout, String.raw`\u009b31mred\u009d`)
      assert.include(once!.stdout, "�]0;x��31mred�8;;http://evil.example����")
    }))

  it("a line takes no more columns than there are, whatever a character takes", () => {
    const columns = { "漢": 2, "한": 2, "😀": 2, "Ａ": 2, "é": 1, "e\u0301": 1, "❤\ufe0f": 2, "🇪🇺": 4, "a": 1 }
    for (const [character, width] of Object.entries(columns)) {
      const story = new Story()
      const [picture] = frame.changed
      story.take({ ...frame, changed: [{ ...picture!, name: character.repeat(60) }] })

      const lines = story.lines({ url: "", columns: 21, rows: 9, colour: false, note: "" })

      const shown = lines.find((line) => line.startsWith(character))!
      assert.strictEqual(shown.split(character).length - 1, Math.floor(20 / width), character)
    }
    const marked = new Story()
    marked.take({ ...frame, changed: [{ ...frame.changed[0]!, name: `a${"\u0301".repeat(150)}` }] })
    assert.isBelow(marked.lines({ url: "", columns: 80, rows: 9, colour: false, note: "" })[3]!.length, 90)
  })

  it("what a server of an earlier version does not say is not drawn", () => {
    const { allowances: _, back: __, limited: ___, moreAllowances: ____, ...picture } = frame.changed[0]!
    const earlier: unknown = { ...frame, changed: [picture] }
    assert.isTrue(isDrawn(earlier))
    const story = new Story()
    story.take(earlier as Frame)
    assert.include(story.lines({ url: "", columns: 80, rows: 9, colour: false, note: "" }).join("\n"), "shown  open")
  })

  it("however much has come, what is kept has its bounds", () => {
    const story = new Story()
    const long = "x".repeat(1_000_000)
    for (let i = 0; i < 100; i++) {
      const large: Frame = {
        ...frame,
        full: i === 0,
        pools: Array.from({ length: 10_000 }, (_, k) => k),
        troubles: [{ pool: 1, name: long, kind: "", severity: "bad", text: long }],
        changed: [{
          ...frame.changed[0]!,
          id: i,
          name: long,
          objects: { cells: { runs: [], letters: long }, rows: [], beyond: 0 },
          allowances: Array.from({ length: 50 }, () => [long, 1, 1, 1, 0] as const),
          back: Array.from({ length: 50 }, () => [1, 0, long] as const)
        }],
        events: [[i, 1, 0, long, 1, 1, long]]
      }
      story.take(large)
    }

    assert.isBelow(JSON.stringify(story, (_, value: unknown) => value instanceof Map ? [...value] : value).length, 3e6)
    assert.isBelow(story.lines({ url: "", columns: 80, rows: 24, colour: true, note: "" }).join("").length, 1e4)
  })
})

describe("the screen", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    it.live(`it is given back after ${signal}`, ({ skip }) =>
      Effect.gen(function*() {
        if (!pty) return skip("there is no `script`")
        yield* ObjectPool.make({ name: "seen", objects: ["a"] })
        const { url } = yield* serve()
        const { all, closed, pid } = yield* onTerminal(url)

        process.kill(pid, signal)
        yield* Effect.promise(() => closed)

        assert.isAbove(all.text.lastIndexOf(screen.restore), all.text.lastIndexOf(screen.take))
      }))
  }

  it.live(
    "it is given back when the program itself fails, which then says so, and not what",
    ({ skip }) =>
      Effect.gen(function*() {
        if (!pty) return skip("there is no `script`")
        yield* ObjectPool.make({ name: "seen", objects: ["a"] })
        const { url } = yield* serve()
        const throwing = `process.on("SIGUSR2",()=>{throw(new(RangeError)("secret"))})`
        const { all, closed, pid } = yield* onTerminal(url, "--import", `'data:text/javascript,${throwing}'`)

        process.kill(pid, "SIGUSR2")
        const [code] = yield* Effect.promise(() => closed)

        const after = all.text.slice(all.text.lastIndexOf(screen.restore))
        assert.match(after, /effect-object-pool has failed: RangeError/)
        assert.notInclude(all.text, "secret")
        assert.strictEqual(code, 1)
      })
  )

  it.live("who is no longer read ends without a word", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "x".repeat(100), objects: Array.from({ length: 1000 }, (_, i) => i) })
      const { url } = yield* serve()
      const child = spawn(process.execPath, ["src/bin/main.ts", "inspect", url, "--json"], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      child.stdout.destroy()
      let said = ""
      child.stderr.on("data", (chunk) => said += String(chunk))

      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(said, "")
    }))
})

describe("what is seen of a server of our own", () => {
  it.live("its frames are such as a terminal takes", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "own", objects: ["a", "b"], sharing: 2 })
      yield* pool.borrow
      const { url } = yield* serve()
      const story = new Story()
      story.take(yield* snapshot(url))
      assert.include(story.lines({ url, columns: 80, rows: 24, colour: false, note: "" }).join("\n"), "own  open")
      assert.strictEqual((yield* command(url, "--once")).code, 0)
    }))
})
