/**
 * The transport that most need: sockets, with what users would get wrong set rightly.
 *
 * Without `noDelay` a small message waits for the acknowledgement of the one before, which its receiver delays: 40
 * milliseconds each, in a borrow and a return twice.
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schedule from "effect/Schedule"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import type * as Net from "node:net"
import { InvalidPoolOptions } from "../../PoolError.ts"
import { checks } from "../state/validation.ts"
import { type Access, admits, Gate, Pass } from "./access.ts"
import { gathering } from "./gathering.ts"

type Token = Config.Config<Redacted.Redacted> | Redacted.Redacted

/**
 * Where a server listens, and whom it lets in.
 *
 * @category options
 * @since 0.1.0
 */
export interface SocketServerOptions {
  /** 0: a free one, which `SocketServer` tells. */
  readonly port: number
  /**
   * The address to listen at. Without a `token` it has to be one of this machine alone.
   *
   * @default `"127.0.0.1"`
   */
  readonly host?: string | undefined
  /** What a borrower has to show, at least 16 characters. It travels as it is: over a network, in a tunnel or a private one. */
  readonly token?: Token | undefined
  /**
   * The most characters of one message of a borrower, at least 10 000; a longer one ends its connection.
   *
   * @default `1_000_000`
   */
  readonly maxMessage?: number | undefined
}

/**
 * Where a borrower finds its server, and what it shows.
 *
 * @category options
 * @since 0.1.0
 */
export interface SocketOptions {
  readonly port: number
  /** @default `"127.0.0.1"` */
  readonly host?: string | undefined
  /** What the server wants to be shown. */
  readonly token?: Token | undefined
  /**
   * What this process is called where somebody looks at the pool: at most 256 characters.
   *
   * @default one that is made up
   */
  readonly name?: string | undefined
}

const here = ["127.0.0.1", "::1", "localhost"]

/** A token is read once, as the transport is built. */
const read = (token: Token | undefined): Effect.Effect<Redacted.Redacted | undefined, Config.ConfigError> =>
  token === undefined || Redacted.isRedacted(token) ? Effect.succeed(token) : Effect.map(token, (read) => read)

/** The least characters of a token: fewer can be tried out. */
const shortest = 16

const toAccess = (
  host: string,
  token: Redacted.Redacted | undefined
): Effect.Effect<Access, InvalidPoolOptions> => {
  const refuse = (value: string, allowed: string) =>
    Effect.fail(new InvalidPoolOptions({ pool: "SharedPool", option: "token", value, allowed }))
  if (token !== undefined) {
    return Redacted.value(token).length < shortest
      ? refuse("too short", `at least ${shortest} characters`)
      : Effect.succeed({ _tag: "Token", token })
  }
  return here.includes(host)
    ? Effect.succeed({ _tag: "Anybody" })
    : refuse("not given", `one, where the server listens to other machines, or a \`host\` of ${here.join(", ")}`)
}

/**
 * Says who may borrow by a transport of the program's own, such as a WebSocket: those who show the token, or anybody who
 * reaches it. Beside the transport of a server, where `layerSocketServer` is not used.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAccess = (
  who: "anybody" | Token
): Layer.Layer<never, Config.ConfigError | InvalidPoolOptions> =>
  Layer.effect(
    Gate,
    Effect.gen(function*() {
      const access: Access = who === "anybody" ? { _tag: "Anybody" } : yield* toAccess("", yield* read(who))
      return { access, mostText: undefined }
    })
  )

/**
 * What a borrower shows, and is called, by a transport of the program's own: beside that, where `layerSocket` is not used.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPass = (
  { name, token }: Pick<SocketOptions, "name" | "token">
): Layer.Layer<never, Config.ConfigError> =>
  Layer.effect(
    Pass,
    Effect.map(read(token), (token) => ({ token, name: name?.slice(0, 256), where: "its server" }))
  )

/** How long somebody may take who connects, in milliseconds, and how many may be at that. */
const [introduction, mostStrangers] = [10_000, 1_000]

/** Those connections of a server by which nobody has shown yet that he may borrow: there are only so many, for only so long. */
export class Strangers {
  private readonly connections = new Set<Net.Socket>()
  private readonly access: Access

  constructor(access: Access) {
    this.access = access
  }

  /** Destroys the connection if it stays a stranger's; at once where there are too many. */
  meet(connection: Net.Socket): Effect.Effect<void> {
    const destroy = Effect.sync(() => void connection.destroy())
    return Effect.suspend(() => {
      if (this.connections.size >= mostStrangers) return destroy
      this.connections.add(connection)
      return Effect.sleep(introduction).pipe(
        Effect.andThen(Effect.suspend(() => this.connections.has(connection) ? destroy : Effect.void)),
        Effect.ensuring(Effect.sync(() => this.connections.delete(connection)))
      )
    })
  }

  /** Looks at what connections bring, as long as they are strangers'. */
  watch(protocol: RpcServer.Protocol["Service"]): RpcServer.Protocol["Service"] {
    return {
      ...protocol,
      run: (receive) =>
        protocol.run((client, message) => {
          if (this.connections.size === 0 || message._tag !== "Request") return receive(client, message)
          return Effect.withFiber((fiber) => {
            const connection = Context.getOrUndefined(fiber.context, NodeSocket.NetSocket)
            if (connection !== undefined && this.connections.has(connection) && shows(this.access, message.headers)) {
              this.connections.delete(connection)
            }
            return receive(client, message)
          })
        })
    }
  }
}

/** Do the headers of a request, which may be anything, show what they have to? */
const shows = (access: Access, headers: unknown): boolean => {
  const pairs = Array.isArray(headers) ? headers.filter(Array.isArray) : []
  const strings = pairs.filter(([name, value]) => typeof name === "string" && typeof value === "string")
  return admits(access, Headers.fromInput(strings as Array<[string, string]>))
}

/** Connections end in many ways, and none is news: whoever was borrowing has been dealt with. */
export const quiet = (
  server: SocketServer.SocketServer["Service"],
  strangers?: Strangers
): SocketServer.SocketServer["Service"] => ({
  ...server,
  run: (handler) =>
    server.run((socket) =>
      Effect.withFiber((fiber) => {
        const connection = Context.getOrUndefined(fiber.context, NodeSocket.NetSocket)
        const bounded = ending(socket, () => connection?.destroyed === true)
        const handled = handler(gathering(bounded, connection && closing(connection, stall)))
        const met = connection && strangers ? Effect.forkChild(strangers.meet(connection)) : Effect.void
        return Effect.andThen(met, handled).pipe(
          Effect.ignoreCause({ log: "Debug", message: "A connection has ended" }),
          Effect.ensuring(connection ? Effect.forkDetach(closing(connection, last)) : Effect.void)
        )
      })
    )
})

/** How long a borrower may read nothing of what it has asked for, in milliseconds: usually, and once its connection was ended. */
const [stall, last] = [30_000, 1_000]

/** Ends as the connection does, which is destroyed where that takes too long: a server that stops waits for all that are open. */
const closing = (connection: Net.Socket, within: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const end = () => resume(Effect.void)
    if (connection.destroyed) return end()
    connection.once("close", end)
    return Effect.sync(() => connection.off("close", end))
  }).pipe(
    Effect.timeoutOrElse({ duration: within, orElse: () => Effect.sync(() => void connection.destroy()) })
  )

/**
 * A socket that drops what is written once it has ended. The one of effect would wait: for a connection that is destroyed to
 * take more, or for the next one, of which a server has none. Whoever answers a request as its connection ends would never
 * be done, nor would the server that closes.
 */
const ending = (socket: Socket.Socket, isDestroyed: () => boolean): Socket.Socket => {
  let ended = false
  const unlessEnded = <E>(write: Effect.Effect<void, E>) =>
    Effect.suspend(() => ended || isDestroyed() ? Effect.void : write)
  return Socket.make({
    // what is added to a scope last is run first
    reader: Effect.tap(socket.reader, () => Effect.addFinalizer(() => Effect.sync(() => ended = true))),
    writer: Effect.map(socket.writer, ({ write, writeAll }) => ({
      write: (chunk) => unlessEnded(write(chunk)),
      writeAll: (chunks) => unlessEnded(writeAll(chunks))
    }))
  })
}

/**
 * A server for pools, on a socket of Node, with `noDelay`: the transport for `layerServer`. It fails where it would let in
 * whoever reaches it over a network.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerServer = (
  options: SocketServerOptions
): Layer.Layer<
  RpcServer.Protocol | SocketServer.SocketServer,
  Config.ConfigError | InvalidPoolOptions | SocketServer.SocketServerError
> =>
  Layer.unwrap(Effect.gen(function*() {
    const { host = "127.0.0.1", port } = options
    const mostText = checks("SharedPool").whole("maxMessage", options.maxMessage, 10_000, 1_000_000)
    const access = yield* toAccess(host, yield* read(options.token))
    const strangers = new Strangers(access)
    const server = Layer.effect(
      SocketServer.SocketServer,
      Effect.map(NodeSocketServer.make({ host, port, noDelay: true, keepAlive: true }), (server) =>
        quiet(server, strangers))
    )
    const serialization = Layer.succeed(
      RpcSerialization.RpcSerialization,
      RpcSerialization.makeNdjson({ maxBufferSize: mostText })
    )
    // one of its own: a second server of a program would answer nobody else
    const protocol = Effect.map(RpcServer.makeProtocolSocketServer, (protocol) =>
      strangers.watch(protocol))
    return Layer.effect(RpcServer.Protocol, protocol).pipe(
      Layer.provide(serialization),
      Layer.provideMerge(server),
      Layer.merge(Layer.succeed(Gate, { access, mostText }))
    )
  }))

/** After a connection was lost: soon at first, then once a second. */
const again = Schedule.min([Schedule.exponential("50 millis", 1.5), Schedule.spaced("1 second")])

/**
 * The connection of a borrower, on a socket of Node, with `noDelay`: the transport for `layerRemote`. It is made anew whenever
 * it is lost.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = (options: SocketOptions): Layer.Layer<RpcClient.Protocol, Config.ConfigError> =>
  Layer.unwrap(Effect.gen(function*() {
    const { host = "127.0.0.1", port } = options
    const token = yield* read(options.token)
    const name = options.name?.slice(0, 256)
    const socket = Layer.effect(
      Socket.Socket,
      Effect.map(
        NodeSocket.makeNet({ host, port, noDelay: true, keepAlive: true, openTimeout: "5 seconds" }),
        gathering
      )
    )
    return RpcClient.layerProtocolSocket({ retryPolicy: again }).pipe(
      Layer.provide([socket, RpcSerialization.layerNdjson]),
      Layer.merge(Layer.succeed(Pass, { token, name, where: `${host}:${port}` }))
    )
  }))
