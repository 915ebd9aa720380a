/** What a borrower's process may ask for at once, and name; and who may be connected without having shown who it is. */
import { assert, describe, it } from "@effect/vitest"
import { TestRunner } from "effect/cluster"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SocketServer } from "effect/socket"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { Claims, SharedPool } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { Strangers } from "../../src/internal/cluster/sockets.ts"
import { makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

/** A borrower of two objects, over a wire. */
const borrower = Effect.gen(function*() {
  const wire = makeWire()
  yield* Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a"), keyOf("b")] }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )
  return Context.get(yield* Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())), Keys)
})

describe("a borrower's process", () => {
  it.effect("has no more than a thousand operations under way, and others when they are done", () =>
    Effect.gen(function*() {
      const keys = yield* borrower
      const held = yield* Effect.forkChild(keys.with(() => Effect.sleep("1 second")), { startImmediately: true })
      yield* settle
      const watching = yield* Effect.forkChild(Stream.runDrain(keys.events), { startImmediately: true })
      const draining = yield* Effect.forEach(
        Array.from({ length: 999 }),
        () => Effect.forkChild(keys.drain, { startImmediately: true })
      )
      yield* settle

      const error = yield* Effect.flip(keys.stats)
      const unseen = yield* Effect.flip(Stream.runDrain(keys.events))

      assert.strictEqual(error.reason, "RequestsFull")
      assert.strictEqual(unseen.reason, "RequestsFull")
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll([held, ...draining])
      yield* Fiber.interrupt(watching)
      assert.strictEqual((yield* keys.stats).leases, 0)
      yield* keys.resume
      const watched = yield* Effect.forkChild(Stream.runHead(keys.events), { startImmediately: true })
      yield* settle
      yield* keys.with(() => Effect.void)
      yield* Fiber.join(watched)
    }))

  it.effect("is refused a name that is too long, and what is no number, and is told which", () =>
    Effect.gen(function*() {
      const keys = yield* borrower
      const lease = yield* keys.borrow
      const long = "x".repeat(257)
      const refused: ReadonlyArray<readonly [Effect.Effect<unknown, unknown>, string]> = [
        [lease.rest("1 second", long), "facet"],
        [lease.restUntil(5, long), "facet"],
        [lease.rest("1 second", 5 as never), "facet"],
        [lease.charge(1, long), "name"],
        [lease.charge(Number.NaN), "charge"],
        [lease.report({ name: long }), "report.name"],
        [lease.report({ remaining: "3" as never }), "report.remaining"],
        [lease.report({ resetsAt: "soon" as never }), "report.resetsAt"],
        [lease.report({ left: 3 } as never), "report.left"],
        [lease.report(undefined as never), "report"],
        [Effect.scoped(keys.borrowWith({ facet: long })), "facet"],
        [Effect.scoped(keys.borrowWith({ affinity: long })), "affinity"]
      ]

      for (const [call, option] of refused) {
        const exit = yield* Effect.exit(call)
        assert.include(String(exit), `\`${option}\``)
        assert.notInclude(String(exit), long)
      }

      yield* lease.renew
    }))
})

describe("a gateway", () => {
  it.live("says how much of a message it takes, though its host is elsewhere", () =>
    Effect.gen(function*() {
      const cluster = Layer.merge(TestRunner.layer, Layer.effect(Claims, make(storeMemory(), { expiry: 15_000 })))
      const transport = yield* Layer.build(SharedPool.layerSocketServer({ port: 0, maxMessage: 10_000 }))
      const { address } = Context.get(transport, SocketServer.SocketServer)
      yield* Layer.build(
        Layer.provideMerge(Keys.layerServer(), Keys.layerHost({ ...usual, objects: [keyOf("a")] })).pipe(
          Layer.provide(Layer.succeedContext(transport)),
          Layer.provide(cluster)
        )
      )
      const remote = Layer.provide(
        Keys.layerRemote,
        SharedPool.layerSocket({ port: "port" in address ? address.port : 0 })
      )
      const keys = Context.get(yield* Layer.build(remote), Keys)
      const lease = yield* keys.borrow

      const error = yield* Effect.flip(keys.remove(keyOf("x".repeat(20_000))))

      assert.strictEqual(error.reason, "TooLarge")
      yield* lease.renew
    }).pipe(Effect.scoped))
})

describe("a connection", () => {
  const token = Redacted.make("0123456789abcdef")
  const served = Effect.gen(function*() {
    const transport = yield* Layer.build(Layer.orDie(SharedPool.layerSocketServer({ port: 0, token })))
    const { address } = Context.get(transport, SocketServer.SocketServer)
    yield* Layer.build(
      Keys.layerServer({ ...usual, objects: [keyOf("a"), keyOf("b")] }).pipe(
        Layer.provide(Layer.succeedContext(transport))
      )
    )
    return "port" in address ? address.port : 0
  })
  const opened = (port: number) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const socket = connect(port, "127.0.0.1")
        await once(socket, "connect")
        // until the server has read something of it
        socket.write(
          "{\"_tag\":\"Request\",\"id\":1,\"tag\":\"Nothing\",\"payload\":{},\"headers\":[[\"authorization\",7]]}\n"
        )
        await once(socket, "data")
        return socket
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )

  it.effect("by which nobody has shown the token after ten seconds is ended, and no other", () =>
    Effect.gen(function*() {
      const port = yield* served
      const remote = Layer.provide(Keys.layerRemote, SharedPool.layerSocket({ port, token }))
      const keys = Context.get(yield* Layer.build(Layer.orDie(remote)), Keys)
      const lease = yield* keys.borrow
      const strange = yield* opened(port)
      const ended = yield* Effect.forkChild(Effect.promise(() => once(strange, "close")), { startImmediately: true })

      yield* TestClock.adjust("9 seconds")
      yield* lease.renew
      assert.isUndefined(ended.pollUnsafe())
      yield* TestClock.adjust("1 second")

      yield* Fiber.join(ended)
      yield* lease.renew
    }))

  it.effect("is ended at once where a thousand have not shown it yet, and let in when they have gone", () =>
    Effect.gen(function*() {
      const strangers = new Strangers({ _tag: "Token", token })
      const ended: Array<number> = []
      const meet = (n: number) => {
        const connection = { destroy: () => void ended.push(n) } as unknown as Socket
        return Effect.forkChild(strangers.meet(connection), { startImmediately: true })
      }
      const met = yield* Effect.forEach(Array.from({ length: 1000 }), (_, n) => meet(n))
      yield* meet(1000)
      assert.deepStrictEqual(ended, [1000])

      yield* Fiber.interrupt(met[0]!)
      yield* meet(1001)

      assert.deepStrictEqual(ended, [1000])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(ended.length, 1001)
    }))
})
