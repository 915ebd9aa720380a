/**
 * A network in memory, between one server at a time and any number of borrowers: it carries messages as text, and may be cut,
 * or swallow what it carries.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { RpcClient, RpcClientError, type RpcMessage, RpcSerialization, RpcServer } from "effect/rpc"
import { SocketError, SocketReadError } from "effect/socket/Socket"

type Receive = (connection: number, message: RpcMessage.FromClientEncoded) => Effect.Effect<void>

interface Server {
  readonly receive: Receive
  readonly disconnects: Queue.Queue<number>
}

interface End {
  /** Whether what comes from there, or goes there, is lost on the way. */
  mute: boolean
  /** What comes from the server, while it is late. */
  late: Array<RpcMessage.FromServerEncoded> | undefined
  connected: boolean
  readonly deliver: (message: RpcMessage.FromServerEncoded) => void
}

/** What was late arrives, and nothing is late any more. */
export const arrive = (end: End): void => {
  const { late } = end
  end.late = undefined
  late?.forEach(end.deliver)
}

const { decode, encode } = RpcSerialization.ndjson.makeUnsafe()
/** As it is when it has travelled. */
const travelled = <A>(message: A): A => decode(encode(message)!)[0] as A

const lost = new RpcClientError.RpcClientError({
  reason: new SocketError({ reason: new SocketReadError({ cause: new Error("cut") }) }).reason
})

export const makeWire = () => {
  let server: Server | undefined
  let connections = 0
  const ends = new Map<number, End>()
  /** All that has been carried, as text. */
  const carried: Array<string> = []
  let unreachable = false

  const layerServer = Layer.effect(
    RpcServer.Protocol,
    RpcServer.Protocol.make(Effect.fnUntraced(function*(receive: Receive) {
      const disconnects = yield* Queue.unbounded<number>()
      const here: Server = { receive, disconnects }
      server = here
      yield* Effect.addFinalizer(() => Effect.sync(() => down(here)))
      return {
        disconnects,
        send: (connection: number, message: RpcMessage.FromServerEncoded) =>
          Effect.sync(() => {
            carried.push(JSON.stringify(message))
            const end = ends.get(connection)
            if (end?.connected !== true || end.mute) return
            if (end.late === undefined) end.deliver(travelled(message))
            else end.late.push(travelled(message))
          }),
        end: () => Effect.void,
        clientIds: Effect.sync(() => new Set(ends.keys())),
        initialMessage: Effect.succeedNone,
        supportsAck: true,
        supportsTransferables: false,
        supportsSpanPropagation: true,
        supportsNotifications: true,
        codecFor: RpcSerialization.ndjson.codecFor
      }
    }))
  )

  const down = (which: Server) => {
    if (server !== which) return
    server = undefined
    for (const connection of ends.keys()) cut(connection)
  }

  /** Ends a connection: each side is told when that is called. */
  const part = (connection: number): { readonly server: () => void; readonly borrower: () => void } => {
    const end = ends.get(connection)
    if (end?.connected !== true) return { server: () => {}, borrower: () => {} }
    // what the borrower sends meanwhile is lost
    end.mute = true
    return {
      server: () => {
        if (server !== undefined) Queue.offerUnsafe(server.disconnects, connection)
      },
      borrower: () => {
        if (!end.connected) return
        end.connected = false
        ends.delete(connection)
        end.deliver({ _tag: "ClientProtocolError", error: lost })
      }
    }
  }

  /** Ends a connection: both sides are told. */
  const cut = (connection: number) => {
    const told = part(connection)
    told.server()
    told.borrower()
  }

  /** The connection of a borrower, made anew with its next message when it was cut. `mine` tells the test of it. */
  const layerClient = (mine: (end: () => { readonly connection: number; readonly end: End }) => void = () => {}) =>
    Layer.effect(
      RpcClient.Protocol,
      RpcClient.Protocol.make(Effect.fnUntraced(function*(respond, clients) {
        const inbox = yield* Queue.unbounded<RpcMessage.FromServerEncoded>()
        const outbox = yield* Queue.unbounded<readonly [number, RpcMessage.FromClientEncoded]>()
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.flatMap(
              Queue.take(inbox),
              (message) => Effect.forEach([...clients], (client) => respond(client, message))
            )
          )
        )
        yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(outbox), ([connection, message]) => {
          const end = ends.get(connection)
          return end === undefined || end.mute || server === undefined
            ? Effect.void
            : server.receive(connection, travelled(message))
        })))
        const connect = () => {
          const end: End = {
            mute: false,
            late: undefined,
            connected: true,
            deliver: (message) => Queue.offerUnsafe(inbox, message)
          }
          ends.set(++connections, end)
          return { connection: connections, end }
        }
        let current = connect()
        mine(() => current)
        yield* Effect.addFinalizer(() => Effect.sync(() => cut(current.connection)))
        return {
          send: (_client: number, message: RpcMessage.FromClientEncoded) =>
            Effect.suspend(() => {
              if (server === undefined || unreachable) return Effect.fail(lost)
              if (!current.end.connected) current = connect()
              carried.push(JSON.stringify(message))
              Queue.offerUnsafe(outbox, [current.connection, message])
              return Effect.void
            }),
          supportsAck: true,
          supportsTransferables: false,
          codecFor: RpcSerialization.ndjson.codecFor
        }
      }))
    )

  return {
    layerServer,
    layerClient,
    cut,
    part,
    carried,
    /** Nobody connects any more, or does again. */
    isolate: (isolated: boolean) => void (unreachable = isolated)
  }
}

export type Wire = ReturnType<typeof makeWire>
