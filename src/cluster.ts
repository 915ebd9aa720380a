/**
 * One pool for many processes: hosted by one of them, borrowed from by all.
 *
 * **When to use**
 *
 * Use where several processes need the same scarce objects: licences, rate-limited keys, accounts. A pool in each would not
 * see the whole.
 *
 * **Details**
 *
 * A `SharedPool.Service` is a tag, with a schema for what travels. The program that borrows is the same whichever of its
 * layers is provided: `layer`, all in this process; or `layerRemote`, from the process that has `layerServer`.
 *
 * Needs `@effect/platform-node`, an optional peer.
 *
 * @module effect-object-pool/cluster
 * @since 0.1.0
 */
export { Claims } from "./internal/cluster/claims.ts"
export type { ClusterOptions, RunnerOptions } from "./internal/cluster/runners.ts"
export type { SocketOptions, SocketServerOptions } from "./internal/cluster/sockets.ts"
export {
  Fence,
  type HeldLease,
  type PooledPicture,
  PoolUnavailable,
  type SharedAddOptions,
  type SharedBorrowOptions,
  type SharedLease
} from "./SharedLease.ts"
export {
  type HostSettings,
  type SharedOperations,
  type SharedOptions,
  SharedPool,
  type SharedPoolClass,
  type SharedSchemas,
  type SharedServer
} from "./SharedPool.ts"
