/**
 * The writes of a socket, gathered by turns of the event loop.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { gathering } from "../../src/internal/cluster/gathering.ts"

/** A socket that keeps what is written, and is as slow as `gate`. */
const kept = (gate: Effect.Effect<void, Socket.SocketError> = Effect.void) => {
  const written: Array<unknown> = []
  const write = (chunk: unknown) => Effect.andThen(Effect.sync(() => written.push(chunk)), gate)
  const socket = Socket.make({
    reader: Effect.never,
    writer: Effect.succeed({ write, writeAll: (chunks) => write(chunks.join("")) })
  })
  return { written, writer: gathering(socket).writer }
}

const turn = Effect.repeat(Effect.yieldNow, { times: 5 })

describe("what is written", () => {
  it.effect("in one turn goes out as one, in its order", () =>
    Effect.gen(function*() {
      const { writer, written } = kept()
      const { write } = yield* writer

      yield* Effect.forEach(["a", "b", "c"], write)
      yield* turn
      yield* write("d")
      yield* turn

      assert.deepStrictEqual(written, ["abc", "d"])
    }).pipe(Effect.scoped))

  it.effect("while a write is under way goes out behind it, as one", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { writer, written } = kept(Deferred.await(gate))
      const { write } = yield* writer
      yield* write("a")
      yield* turn
      yield* Effect.forEach(["b", "c"], write)
      yield* turn
      assert.deepStrictEqual(written, ["a"])

      yield* Deferred.succeed(gate, undefined)
      yield* turn

      assert.deepStrictEqual(written, ["a", "bc"])
    }).pipe(Effect.scoped))

  it.effect("goes out before what is no text, and before the socket is ended", () =>
    Effect.gen(function*() {
      const { writer, written } = kept()
      const scope = yield* Scope.make()
      const { write } = yield* Scope.provide(writer, scope)
      yield* write("a")
      yield* write(new Uint8Array([1]))
      yield* write("b")

      yield* Scope.close(scope, Exit.void)

      assert.deepStrictEqual(written, ["a", new Uint8Array([1]), "b"])
    }))

  it.effect("and cannot go out any more holds nothing up as the socket is ended", () =>
    Effect.gen(function*() {
      const { writer } = kept(Effect.never)
      const scope = yield* Scope.make()
      const { write } = yield* Scope.provide(writer, scope)
      yield* write("a")
      yield* turn
      yield* write("b")

      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("waits where too much is pending, until that has gone out, or has not", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void, Socket.SocketError>()
      const { writer } = kept(Deferred.await(gate))
      const { write } = yield* writer
      yield* write("a")
      yield* turn

      const waits = yield* Effect.forkChild(Effect.exit(write("x".repeat(1_000_001))), { startImmediately: true })
      yield* turn
      assert.isUndefined(waits.pollUnsafe())
      yield* Deferred.fail(gate, new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1006 }) }))

      assert.isTrue(Exit.isFailure(yield* Fiber.join(waits)))
    }).pipe(Effect.scoped))
})

describe("a peer that reads nothing", () => {
  it.effect("is not read, until it reads, or its connection ends", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      let pulls = 0
      const below = Socket.make({
        reader: Effect.succeed({
          pull: Effect.sync(() => [`${++pulls}`] as const),
          upgrade: () => Effect.die("not upgraded")
        }),
        writer: Effect.succeed({ write: () => Deferred.await(gate), writeAll: () => Effect.void })
      })
      const socket = gathering(below, Deferred.await(closed))
      const { write } = yield* socket.writer
      const { pull } = yield* socket.reader
      yield* write("a")
      yield* turn
      yield* pull
      yield* Effect.forkChild(write("x".repeat(1_000_001)), { startImmediately: true })

      const first = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* turn
      assert.strictEqual(pulls, 1)

      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
      assert.strictEqual(pulls, 2)
    }).pipe(Effect.scoped))
})
