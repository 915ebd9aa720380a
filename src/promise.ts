/**
 * The object pool for code that has no Effect: promises, and plain answers.
 *
 * @module effect-object-pool/promise
 * @since 0.1.0
 */
export type { Allowance, AllowanceReport, AllowanceState } from "./Allowance.ts"
export type { KeyedEvent, KeyedObject, KeyedSize } from "./KeyedPool.ts"
export { type KeyedPromiseLease, type KeyedPromiseOptions, KeyedPromisePool } from "./KeyedPromisePool.ts"
export { NotSynchronous } from "./NotSynchronous.ts"
export type { PooledObject, PromiseAddedObject } from "./PooledObject.ts"
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
export type {
  ClassOptions,
  CreationOptions,
  DataGiven,
  DataRequired,
  DetectionOptions,
  PoolSettings,
  Remember
} from "./PoolOptions.ts"
export type { Detached, PackedLease, PromiseLease } from "./PromiseLease.ts"
export type {
  Awaitable,
  PoolLogEntry,
  PromiseAddOptions,
  PromiseBorrowOptions,
  PromiseCreationOptions,
  PromiseDetectionOptions,
  PromisePoolOptions,
  PromiseRemember,
  PromiseRetry,
  PromiseSelect,
  PromiseStore,
  PromiseWithOptions
} from "./PromiseOptions.ts"
export { PromisePool } from "./PromisePool.ts"
export { type PromiseJudge, Verdict } from "./PromiseVerdict.ts"
export { type AnySelector, Selector } from "./Selector.ts"
export type { PromiseSelf } from "./Self.ts"
export { Status } from "./Status.ts"
