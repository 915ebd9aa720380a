/**
 * What a server does with garbage, over TCP: it ends the connection that it came by, or answers, and serves the others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { SocketServer } from "effect/socket"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { SharedPool } from "../../src/cluster.ts"
import { version } from "../../src/internal/cluster/protocol.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const token = Redacted.make("0123456789abcdef")

/** A server, a borrower that holds one of two objects, and the port; and what is logged. */
const served = Effect.gen(function*() {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const transport = yield* Layer.build(
    SharedPool.layerSocketServer({ port: 0, token, maxMessage: 10_000 }).pipe(
      Layer.provideMerge(Logger.layer([logger]))
    )
  )
  const { address } = Context.get(transport, SocketServer.SocketServer)
  const port = "port" in address ? address.port : 0
  yield* Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a"), keyOf("b")] }).pipe(
      Layer.provide(Layer.succeedContext(transport))
    )
  )
  const keys = Context.get(
    yield* Layer.build(Layer.provide(Keys.layerRemote, SharedPool.layerSocket({ port, token }))),
    Keys
  )
  const lease = yield* keys.borrow
  return { keys, lease, lines, port }
})

/** Sends something on a connection of its own, and answers what came back when it is as wanted, or the server has ended it. */
const asks = (port: number, wanted: (back: string) => boolean, ...what: ReadonlyArray<string | Uint8Array>) =>
  Effect.callback<string>((resume) => {
    let back = ""
    const socket: Socket = connect(port, "127.0.0.1", () => what.forEach((piece) => socket.write(piece)))
    const end = () => {
      socket.destroy()
      resume(Effect.succeed(back))
    }
    const look = (text: string) => {
      back += text
      if (wanted(back)) end()
    }
    socket.setEncoding("utf8").on("data", look).on("error", end).on("close", end)
  })

/** Sends something, and goes on when the server has answered, has ended the connection, or does neither for a while. */
const sends = (port: number, what: string | Uint8Array) =>
  Effect.timeoutOption(asks(port, (back) => back !== "", what), "100 millis")

/** What a borrower's library sends first: by it the server knows that both have the same schemas. */
const fingerprint = Effect.gen(function*() {
  const joining = yield* Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly port: number }>((resume) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        resume(Effect.succeed({ server, port: (server.address() as AddressInfo).port }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )
  const heard = Effect.callback<string>((resume) => {
    let text = ""
    joining.server.on(
      "connection",
      (socket) =>
        socket.setEncoding("utf8").on("error", () => {}).on("data", (more: string) => {
          text += more
          const found = /"fingerprint":"(\w+)"/.exec(text)
          if (found !== null) resume(Effect.succeed(found[1]!))
        })
    )
  })
  yield* Layer.build(Layer.provide(Keys.layerRemote, SharedPool.layerSocket({ port: joining.port })))
  return yield* heard
}).pipe(Effect.scoped)

/** A request as a borrower's library sends it. */
const request = (tag: string, payload: unknown, id: unknown = 1) =>
  JSON.stringify({
    _tag: "Request",
    id,
    tag,
    payload,
    headers: [["authorization", `Bearer ${Redacted.value(token)}`]]
  }) + "\n"

const whose = { pool: "app/Keys", session: "s" }

describe("a server", () => {
  it.live("serves its borrowers on, whatever else comes to its port", () =>
    Effect.gen(function*() {
      const { keys, lease, lines, port } = yield* served
      const garbage: ReadonlyArray<string | Uint8Array> = [
        new Uint8Array(5000).map((_, n) => (n * 7919) % 256),
        "GET / HTTP/1.1\r\n\r\n",
        ...[
          "null",
          "1",
          "[]",
          "{}",
          "\"x\"",
          "[null]",
          "{\"_tag\":null}",
          "{\"_tag\":\"Request\"}",
          "{",
          "{\"_tag\":\"__proto__\"}"
        ].map((line) => `${line}\n`),
        "{\"_tag\":\"Request\",\"id\":{},\"tag\":\"Join\",\"payload\":1,\"headers\":7}\n",
        "{\"_tag\":\"Request\",\"id\":1,\"tag\":\"Join\",\"payload\":{},\"headers\":[[1,2]]}\n",
        "{\"_tag\":\"Request\",\"id\":1,\"tag\":\"constructor\",\"payload\":{},\"headers\":[]}\n",
        "{\"_tag\":\"Ack\",\"requestId\":99}\n{\"_tag\":\"Interrupt\",\"requestId\":99}\n{\"_tag\":\"Eof\"}\n",
        "x".repeat(20_000),
        `${"[".repeat(5000)}\n`,
        request("Join", { ...whose, version: 99, fingerprint: "?", borrower: "x" }),
        request("Join", { ...whose, version, fingerprint: "?".repeat(5000), borrower: "x" }),
        request("Borrow", { ...whose, key: 1, ask: { queues: true } }),
        request("Borrow", { ...whose, key: 2 ** 60, ask: { queues: true } }),
        request("Renew", whose, "__proto__"),
        request("Return", { ...whose, returned: [{ key: 1, outcome: { ended: "Success" } }] }),
        request("Operate", { ...whose, operation: { _tag: "Stats" } })
      ]

      for (const piece of garbage) yield* sends(port, piece)

      yield* lease.renew
      yield* keys.with(() => Effect.void)
      const { borrowed, size } = yield* keys.stats
      assert.deepStrictEqual({ borrowed, size }, { borrowed: 1, size: 2 })
      assert.notInclude(lines.join("\n"), "secret")
      assert.notInclude(lines.join("\n"), Redacted.value(token))
    }).pipe(Effect.scoped))

  it.live("ends a connection whose message is too large, and says so to a borrower before it sends one", () =>
    Effect.gen(function*() {
      const { keys, lease, port } = yield* served
      assert.notInclude(yield* asks(port, () => false, "x".repeat(20_000)), "Welcome")

      const error = yield* Effect.flip(keys.addAll(Array.from({ length: 500 }, (_, n) => keyOf(`${n}`.padStart(40)))))

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "TooLarge")
      yield* lease.renew
    }).pipe(Effect.scoped))

  it.live("is not sent a need, nor an object to look for, that would end the connection", () =>
    Effect.gen(function*() {
      const { keys, lease } = yield* served
      const much = "x".repeat(20_000)

      const errors = yield* Effect.forEach([
        Effect.scoped(keys.borrowWith({ need: { region: much }, timeout: "2 seconds" })),
        Effect.scoped(keys.with(() => Effect.void, { need: { region: much }, timeout: "2 seconds" })),
        keys.remove(keyOf(much)),
        keys.rest(keyOf(much), "1 second"),
        keys.wake(keyOf(much))
      ], (each: Effect.Effect<unknown, unknown>) => Effect.flip(each))

      for (const error of errors) assert.strictEqual((error as { readonly reason?: unknown }).reason, "TooLarge")
      yield* lease.renew
    }).pipe(Effect.scoped))

  it.live("stops, though somebody does not read what he has asked for", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(served, scope)
      const peer = yield* Effect.acquireRelease(
        Effect.callback<Socket>((resume) => {
          const socket: Socket = connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
          socket.pause().on("error", () => {})
        }),
        (socket) => Effect.sync(() => socket.destroy())
      )
      const asked = Array.from({ length: 1000 }, (_, id) => request("Renew", whose, id)).join("")
      // the server takes no more, as nobody takes its answers
      while (peer.writableLength < 1_000_000) {
        peer.write(asked)
        yield* Effect.sleep("10 millis")
      }

      const stopped = yield* Effect.timeoutOption(Scope.close(scope, Exit.void), "50 seconds")

      assert.isTrue(Option.isSome(stopped))
    }).pipe(Effect.scoped), 90_000)

  it.live("refuses numbers that make no sense, and is as it was", () =>
    Effect.gen(function*() {
      const { keys, port } = yield* served
      const join = request("Join", { ...whose, version, fingerprint: yield* fingerprint, borrower: "x" }, 0)
      const answered = (back: string) => back.includes("\"requestId\":1,")
      const fine = { queues: false }
      const borrow = (key: unknown, ask: object) => ["Borrow", { ...whose, key, ask: { ...fine, ...ask } }] as const
      const operate = (operation: object) => ["Operate", { ...whose, operation }] as const
      const hostile: ReadonlyArray<readonly [string, object]> = [
        ...[-1, 0, 1.5, "1", null, 2 ** 60].map((key) => borrow(key, {})),
        ...[-1, "1", {}, true].map((timeout) => borrow(1, { timeout })),
        ...[-1, "1", []].map((cost) => borrow(1, { cost })),
        ...[-1, 0, "1"].map((leaseTimeout) => borrow(1, { leaseTimeout })),
        borrow(1, { affinity: "x".repeat(300) }),
        borrow(1, { need: { region: 3 } }),
        operate({ _tag: "Resize", max: -3 }),
        operate({ _tag: "Resize", max: 1.5 }),
        operate({ _tag: "Rest", target: { _tag: "Id", id: 1 }, duration: -1 }),
        operate({ _tag: "Add", objects: [{ key: 3 }] }),
        operate({ _tag: "Add", objects: [{ key: "x", region: "y" }], data: 3 }),
        operate({ _tag: "Nothing" })
      ]
      assert.include(yield* asks(port, answered, join, request(...borrow(1, {}))), "secret-")
      // it is over when what it has borrowed is back
      yield* Effect.repeat(keys.stats, { until: ({ leases }) => leases === 1, schedule: Schedule.spaced("10 millis") })

      for (const [tag, payload] of hostile) {
        const answer = yield* asks(port, answered, join, request(tag, payload))
        assert.include(answer, "Welcome")
        assert.include(answer, "Failure", `${tag} ${JSON.stringify(payload)}`)
      }

      const { dormant, leases, size } = yield* keys.stats
      assert.deepStrictEqual({ dormant, leases, size }, { dormant: 0, leases: 1, size: 2 })
    }).pipe(Effect.scoped))

  it.live("does not listen to other machines without a token, nor with a short one", () =>
    Effect.gen(function*() {
      for (
        const options of [{ host: "0.0.0.0" }, { host: "0.0.0.0", token: Redacted.make("short") }, {
          token: Redacted.make("")
        }]
      ) {
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(SharedPool.layerSocketServer({ port: 0, ...options })))
        )
        assert.strictEqual(error._tag === "InvalidPoolOptions" && error.option, "token")
      }
    }))
})
