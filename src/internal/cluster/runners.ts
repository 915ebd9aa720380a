/**
 * A cluster for pools on Node, over TCP and an SQL database: `Sharding` composed from its parts, with settings that fit
 * pools, and the record of who may be the host of which.
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import type { Sharding } from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { InvalidPoolOptions } from "../../PoolError.ts"
import { checks } from "../state/validation.ts"
import { apart } from "./apart.ts"
import * as Claims from "./claims.ts"
import { storeSql } from "./claimsSql.ts"
import { gathering } from "./gathering.ts"
import { memoriesSql } from "./memorySql.ts"
import { quiet } from "./sockets.ts"
import * as Storage from "./storage.ts"

/**
 * @category models
 * @since 0.2.0
 */
export interface ClusterOptions {
  /**
   * How long after a host was last heard of another may grant, at least 2 seconds. More than 1.1 times the time to live of
   * each pool, which `layerHost` checks. After a host has died without a word, its waiters are served after about this
   * time; a database that is away for less than the rest ends no lease. The same for all processes.
   *
   * @default "15 seconds"
   */
  readonly lockExpiration?: Duration.Input | undefined
  /**
   * Begins the names of the tables, which are made where they are missing. Clusters that share a database need one each.
   *
   * @default "shared_pool"
   */
  readonly prefix?: string | undefined
}

/**
 * @category models
 * @since 0.2.0
 */
export interface RunnerOptions extends ClusterOptions {
  /** Where the other processes reach this one. Runners trust each other: the port belongs in a network of their own. */
  readonly address: { readonly host: string; readonly port: number }
  /** Where this process listens, if that differs. */
  readonly listenAddress?: { readonly host: string; readonly port: number } | undefined
}

interface Settings {
  readonly expiry: number
  readonly prefix: string
  readonly config: Partial<ShardingConfig.ShardingConfig["Service"]>
}

/** What fits a pool: one shard, found quickly, whose lock outlives its leases. Throws `InvalidPoolOptions`. */
const settings = (options: ClusterOptions & Partial<RunnerOptions>): Settings => {
  const check = checks("layerCluster")
  check.known("", options, ["address", "listenAddress", "lockExpiration", "prefix"])
  const expiry = check.duration("lockExpiration", options.lockExpiration, 15_000)
  if (expiry < 2000 || expiry === Infinity) {
    check.refuse("lockExpiration", options.lockExpiration, "2 seconds or more, and an end")
  }
  const prefix = check.text("prefix", options.prefix, "shared_pool")
  const often = Duration.millis(Math.min(1000, Math.max(200, expiry / 16)))
  const toAddress = (address: RunnerOptions["address"] | undefined) =>
    address === undefined ? Option.none() : Option.some(RunnerAddress.make(address.host, address.port))
  return {
    expiry,
    prefix,
    config: {
      runnerAddress: toAddress(options.address),
      runnerListenAddress: toAddress(options.listenAddress),
      // each pool is one entity: a shard for each of many entities would only be a lock more
      shardsPerGroup: 16,
      shardLockExpiration: Duration.millis(expiry),
      shardLockRefreshInterval: Duration.millis(expiry / 8),
      refreshAssignmentsInterval: often,
      runnerHealthCheckInterval: often,
      entityMailboxCapacity: "unbounded",
      sendRetryInterval: Duration.millis(50)
    }
  }
}

/** Text: effect's binary form does not answer every request of the protocol. */
const serialization = RpcSerialization.layerNdjson

/** Small writes each way make a lease: Nagle's algorithm would hold each back for the acknowledgement of the last. */
const clientProtocol = Layer.effect(
  Runners.RpcClientProtocol,
  Effect.gen(function*() {
    const serialization = yield* RpcSerialization.RpcSerialization
    return {
      codecFor: serialization.codecFor,
      make: Effect.fnUntraced(function*(address: RunnerAddress.RunnerAddress) {
        const socket = yield* NodeSocket.makeNet({
          openTimeout: 1000,
          timeout: 5500,
          host: address.host,
          port: address.port,
          noDelay: true
        })
        return yield* RpcClient.makeProtocolSocket().pipe(
          Effect.provideService(Socket.Socket, gathering(socket)),
          Effect.provideService(RpcSerialization.RpcSerialization, serialization)
        )
      }, Effect.orDie)
    }
  })
).pipe(Layer.provide(serialization))

/** How long a server that closes waits for its connections, in milliseconds: one that is cut off never ends. */
const farewell = 1000

const socketServer = Layer.effect(
  SocketServer.SocketServer,
  Effect.gen(function*() {
    const config = yield* ShardingConfig.ShardingConfig
    const { host, port } = Option.getOrThrow(Option.orElse(config.runnerListenAddress, () => config.runnerAddress))
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer((exit) => Effect.timeoutOption(apart(Scope.close(scope, exit)), farewell))
    const server = yield* NodeSocketServer.make({ host, port, noDelay: true }).pipe(Scope.provide(scope))
    const { address, run } = quiet(server)
    return SocketServer.SocketServer.of({
      address,
      run: (handler) => Effect.contextWith((context) => apart(Effect.provideContext(run(handler), context)))
    })
  })
)

/** A runner that does not answer twice within a second has stopped. */
const health = Layer.effect(
  RunnerHealth.RunnerHealth,
  Effect.map(Runners.Runners, (runners) =>
    RunnerHealth.RunnerHealth.of({
      isAlive: (address) =>
        apart(runners.ping(address)).pipe(
          Effect.timeout(1000),
          Effect.retry({ times: 2, schedule: Schedule.spaced(100) }),
          Effect.isSuccess
        )
    }))
).pipe(Layer.provide(Runners.layerRpc))

const lay = <A, E, R>(
  options: ClusterOptions & Partial<RunnerOptions>,
  layer: (settings: Settings) => Layer.Layer<A, E, R>
): Layer.Layer<A, E | InvalidPoolOptions, R> =>
  Layer.unwrap(Effect.try({
    // what effect's cluster is composed of is one for a whole program else: so would be a second cluster
    try: () => Layer.fresh(layer(settings(options))),
    // what is thrown here is of our own making
    catch: (error) => error as InvalidPoolOptions
  }))

const storage = ({ config, expiry, prefix }: Settings) =>
  Storage.layer(Layer.orDie(SqlRunnerStorage.layerWith({ prefix })), {
    expiry,
    interval: expiry / 8,
    table: `${prefix}_primary`,
    self: Option.getOrUndefined(config.runnerAddress ?? Option.none())
  })

const common = ({ config }: Settings) =>
  Layer.mergeAll(clientProtocol, MessageStorage.layerNoop, ShardingConfig.layer(config))

/**
 * A runner: this process may be the host of pools, and borrow from those of others. The database is any of effect's SQL
 * clients, `PgClient.layer` of `@effect/sql-pg` for one. Settings that do not fit fail with `InvalidPoolOptions`.
 *
 * **Details**
 *
 * A host grants only as long as it can show the database that it is there. One that dies, or is cut off, is followed by
 * another `lockExpiration` after it was last heard of; until then nothing is granted, since its borrowers may not know yet
 * that their leases are over. One that stops in good order is followed at once.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerCluster = (
  options: RunnerOptions
): Layer.Layer<
  Sharding | Claims.Claims,
  InvalidPoolOptions | SocketServer.SocketServerError | SqlError,
  SqlClient.SqlClient
> =>
  lay(options, (settings) =>
    Layer.mergeAll(
      SocketRunner.layer.pipe(
        Layer.provide([socketServer, health]),
        Layer.provide(storage(settings)),
        Layer.provide([common(settings), serialization])
      ),
      layerClaims(settings)
    ))

const layerClaims = ({ expiry, prefix }: Settings) =>
  Layer.effect(
    Claims.Claims,
    Effect.flatMap(
      Effect.all([storeSql(`${prefix}_hosts`), memoriesSql(prefix)]),
      ([store, memories]) => Claims.make(store, { expiry, memories })
    )
  )

/**
 * A process that borrows, and is never the host: it listens to nobody, but reads the database to know where the hosts are.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerClusterClient = (
  options: ClusterOptions = {}
): Layer.Layer<Sharding, InvalidPoolOptions | SqlError, SqlClient.SqlClient> =>
  lay(options, (settings) =>
    SocketRunner.layerClientOnly.pipe(
      Layer.provide(storage(settings)),
      Layer.provide(common(settings))
    ))
