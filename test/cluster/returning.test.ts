/**
 * How what is given back reaches the host: with the next borrow, or by itself.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { RpcClient, type RpcMessage } from "effect/rpc"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { SocketServer } from "effect/socket"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

const hosted = (names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const wire = makeWire()
    const server = Keys.layerServer({ ...usual, objects: names.map((name) => keyOf(name)) }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
    yield* Layer.build(server)
    const borrower = Effect.map(
      Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())),
      Context.get(Keys)
    )
    const sent = (tag: string) => wire.carried.filter((message) => message.includes(`"tag":"${tag}"`)).length
    return { borrower, sent, layerClient: wire.layerClient }
  })

/** A borrower whose first returns do not arrive, and are interrupted: as by a cluster whose host moves. */
const deaf = (client: Layer.Layer<RpcClient.Protocol>) =>
  Effect.gen(function*() {
    let left = 3
    const through = Layer.effect(
      RpcClient.Protocol,
      Effect.map(RpcClient.Protocol, (protocol) => {
        let respond: Parameters<typeof protocol.run>[1] = () => Effect.void
        return {
          ...protocol,
          run: (id: number, f: typeof respond) => protocol.run(id, respond = f),
          send: (id: number, message: RpcMessage.FromClientEncoded) => {
            if (message._tag !== "Request" || message.tag !== "Return" || left === 0) return protocol.send(id, message)
            left--
            const exit = { _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: 0 }] } as const
            return respond({ _tag: "Exit", requestId: message.id, exit })
          }
        }
      })
    ).pipe(Layer.provide(client))
    const context = yield* Layer.build(Layer.provide(Keys.layerRemote, through))
    return { keys: Context.get(context, Keys), unanswered: () => left }
  })

describe("what is given back", () => {
  it.effect("goes with the borrow that follows, and so half the messages do", () =>
    Effect.gen(function*() {
      const { borrower, sent } = yield* hosted(["a"])
      const keys = yield* borrower

      yield* Effect.repeat(keys.with(() => Effect.void), { times: 9 })
      yield* settle

      assert.strictEqual(sent("Borrow"), 10)
      assert.strictEqual(sent("Return"), 1)
      assert.strictEqual((yield* keys.stats).leases, 0)
    }))

  it.effect("goes by itself where nothing follows, and to whoever waits", () =>
    Effect.gen(function*() {
      const { borrower } = yield* hosted(["a"])
      const one = yield* borrower
      const other = yield* borrower
      const scope = yield* Scope.make()
      yield* Scope.provide(one.borrow, scope)
      const waiting = yield* Effect.forkChild(other.with((lease) => Effect.succeed(lease.object)), {
        startImmediately: true
      })
      yield* settle

      yield* Scope.close(scope, Exit.void)

      assert.deepStrictEqual(yield* Fiber.join(waiting), keyOf("a"))
    }))

  it.effect("is heard of before what is asked next, whatever that is", () =>
    Effect.gen(function*() {
      const { borrower } = yield* hosted(["a"])
      const keys = yield* borrower

      const stats = yield* Effect.andThen(keys.with(() => Effect.void), keys.stats)
      const needed = yield* Effect.andThen(
        keys.with(() => Effect.void),
        Effect.scoped(Effect.map(keys.borrowWith({ need: { region: "eu" }, timeout: 0 }), ({ object }) => object))
      )

      assert.strictEqual(stats.leases, 0)
      assert.deepStrictEqual(needed, keyOf("a"))
    }))

  it.effect("is not lost with a borrow that took it along and is interrupted, at whichever step", () =>
    Effect.gen(function*() {
      const { borrower } = yield* hosted(["a", "b"])
      const keys = yield* borrower
      const other = yield* borrower
      const held = yield* other.borrow

      for (let steps = 0; steps < 40; steps++) {
        const scope = yield* Scope.make()
        yield* Scope.provide(keys.borrow, scope)
        const fiber = yield* Effect.andThen(Scope.close(scope, Exit.void), Effect.scoped(keys.borrow)).pipe(
          Effect.provideService(MaxOpsBeforeYield, 3),
          Effect.forkChild
        )
        yield* Effect.repeat(Effect.yieldNow, { times: steps })
        yield* Fiber.interrupt(fiber)
        // one that was interrupted before it had begun to give back
        yield* Scope.close(scope, Exit.void)
        yield* settle

        assert.strictEqual((yield* keys.stats).leases, 1, `interrupted after ${steps} steps`)
      }
      yield* held.release
    }))

  it.effect("is told again where it was not answered, though the session goes on", () =>
    Effect.gen(function*() {
      const { borrower, layerClient } = yield* hosted(["a"])
      const { keys, unanswered } = yield* deaf(layerClient())
      yield* keys.with(() => Effect.void)
      yield* settle
      assert.strictEqual(unanswered(), 2)
      const waiting = yield* Effect.forkChild((yield* borrower).with((lease) => Effect.succeed(lease.object)))

      yield* Effect.repeat(Effect.andThen(TestClock.adjust("100 millis"), settle), { times: 3 })

      assert.strictEqual(unanswered(), 0)
      assert.deepStrictEqual(yield* Fiber.join(waiting), keyOf("a"))
    }))

  it.live("as a process ends is heard of before its connection ends: a judge is told how the body has ended", () =>
    Effect.gen(function*() {
      const judged = yield* Deferred.make<boolean>()
      const transport = yield* Layer.build(SharedPool.layerSocketServer({ port: 0 }))
      const { address } = Context.get(transport, SocketServer.SocketServer)
      const server = Keys.layerServer({
        ...usual,
        objects: [keyOf("a")],
        judge: (exit) => {
          Deferred.doneUnsafe(judged, Exit.succeed(Exit.isSuccess(exit)))
          return undefined
        }
      })
      yield* Layer.build(Layer.provide(server, Layer.succeedContext(transport)))
      const connection = SharedPool.layerSocket({ port: "port" in address ? address.port : 0 })

      yield* Keys.with(() => Effect.void).pipe(Effect.provide(Layer.provide(Keys.layerRemote, connection)))

      assert.isTrue(yield* Deferred.await(judged))
    }))
})
