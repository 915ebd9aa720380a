/**
 * An object pool for Effect: typed leases over scarce objects that are sometimes not usable.
 *
 * @module effect-object-pool
 * @since 0.1.0
 */
export type { Allowance, AllowanceReport, AllowanceState } from "./Allowance.ts"
export {
  type KeyedDeclared,
  type KeyedEvent,
  type KeyedLease,
  type KeyedObject,
  type KeyedOperations,
  type KeyedOptions,
  KeyedPool,
  type KeyedPoolClass,
  type KeyedPoolTypes,
  type KeyedSettings,
  type KeyedSize
} from "./KeyedPool.ts"
export type { Lease } from "./Lease.ts"
export { ObjectPool, type Operations } from "./ObjectPool.ts"
export type { AddedObject, PooledObject } from "./PooledObject.ts"
export {
  type BorrowError,
  BorrowTimeout,
  ClassStats,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolExhausted,
  PoolFull,
  PoolStats
} from "./PoolError.ts"
export { PoolEvent } from "./PoolEvent.ts"
export { PoolMetrics, type PoolMetricsOptions } from "./PoolMetrics.ts"
export type {
  AddOptions,
  BorrowOptions,
  ClassOptions,
  CreationOptions,
  DataGiven,
  DataRequired,
  Declared,
  DetectionOptions,
  PoolOptions,
  PoolSettings,
  Remember,
  RememberedIn,
  SettingsOf,
  WithOptions
} from "./PoolOptions.ts"
export {
  type DeclarePool,
  type InferPool,
  type PoolClass,
  type PoolClassWithLayer,
  PoolService,
  type PoolTypes
} from "./PoolService.ts"
export { type AnySelector, type Choice, type Select, Selector } from "./Selector.ts"
export type { Self, SelfCall } from "./Self.ts"
export { Status } from "./Status.ts"
export { type Judge, Verdict } from "./Verdict.ts"
