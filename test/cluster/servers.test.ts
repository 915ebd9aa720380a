/** Several servers in one program, and several pools at one. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SocketServer } from "effect/socket"
import { SharedPool } from "../../src/cluster.ts"

class Licences extends SharedPool.Service<Licences>()("servers/Licences", { object: Schema.String }) {}
class Keys extends SharedPool.Service<Keys>()("servers/Keys", { object: Schema.String }) {}

const token = Redacted.make("a token of some length")

/** What is served, and where. */
const listening = <R>(
  served: Layer.Layer<never, never, R>,
  transport: Layer.Layer<R | SocketServer.SocketServer, unknown>
) => {
  const port = Effect.map(SocketServer.SocketServer, ({ address }) => "port" in address ? address.port : 0)
  const tag = Context.Service<number, number>()(`port ${Math.random()}`)
  return { tag, layer: Layer.effect(tag, port).pipe(Layer.merge(served), Layer.provide(transport), Layer.orDie) }
}

describe("a program", () => {
  it.live("with two servers has each serve its own pools, at its own port, to those who show its own token", () =>
    Effect.gen(function*() {
      const open = listening(Licences.layerServer({ objects: ["A-1"] }), SharedPool.layerSocketServer({ port: 0 }))
      const closed = listening(Keys.layerServer({ objects: ["k"] }), SharedPool.layerSocketServer({ port: 0, token }))
      const ports = yield* Layer.build(Layer.merge(open.layer, closed.layer))
      const at = { open: Context.get(ports, open.tag), closed: Context.get(ports, closed.tag) }
      const from = (options: Parameters<typeof SharedPool.layerSocket>[0]) =>
        Layer.merge(Licences.layerRemote, Keys.layerRemote).pipe(
          Layer.provide(SharedPool.layerSocket(options)),
          Layer.orDie
        )
      const licence = Effect.scoped(Effect.map(Licences.borrowWith({ timeout: "5 seconds" }), ({ object }) => object))
      const key = Effect.scoped(Effect.map(Keys.borrowWith({ timeout: "5 seconds" }), ({ object }) => object))

      assert.strictEqual(yield* Effect.provide(licence, from({ port: at.open })), "A-1")
      assert.strictEqual(yield* Effect.provide(key, from({ port: at.closed, token })), "k")
      const refused = yield* Effect.provide(Effect.flip(key), from({ port: at.closed }))
      assert.strictEqual(refused._tag === "PoolUnavailable" && refused.reason, "Unauthorized")
      const absent = yield* Effect.provide(
        Effect.scoped(Effect.flip(Keys.borrowWith({ timeout: "1 second" }))),
        from({ port: at.open })
      )
      assert.strictEqual(absent._tag === "PoolUnavailable" && absent.reason, "Unreachable")
    }).pipe(Effect.scoped))

  it.live("has any number of pools at one server", () =>
    Effect.gen(function*() {
      const transport = Layer.orDie(SharedPool.layerSocketServer({ port: 0 }))
      const served = Layer.merge(
        Licences.layerServer({ objects: ["A-1"] }).pipe(Layer.provide(transport)),
        Keys.layerServer({ objects: ["k"] }).pipe(Layer.provide(transport))
      )
      const { layer, tag } = listening(served, transport)
      const port = Context.get(yield* Layer.build(layer), tag)
      const both = Effect.all([
        Licences.with(({ object }) => Effect.succeed(object)),
        Keys.with(({ object }) => Effect.succeed(object))
      ])

      const borrowed = yield* Effect.provide(
        both,
        Layer.merge(Licences.layerRemote, Keys.layerRemote).pipe(Layer.provide(SharedPool.layerSocket({ port })))
      )

      assert.deepStrictEqual(borrowed, ["A-1", "k"])
    }).pipe(Effect.scoped))
})
