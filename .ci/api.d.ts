// Allowance.d.ts
import type * as Cron from "effect/Cron";
import type * as DateTime from "effect/DateTime";
import type * as Duration from "effect/Duration";
import type { Status } from "./Status.ts";
export type Allowance = {
    readonly limit: number;
    readonly name?: string | undefined;
    readonly facet?: boolean | undefined;
    readonly unit?: "leases" | "cost" | undefined;
} & ({
    readonly per: Duration.Input;
    readonly window?: "sliding" | "bucket" | "fixed" | undefined;
    readonly resets?: undefined;
} | {
    readonly resets: Cron.Cron;
    readonly per?: undefined;
    readonly window?: undefined;
});
export interface AllowanceState {
    readonly name: string;
    readonly unit: "leases" | "cost";
    readonly limit: number;
    readonly left: number;
    readonly fullAt: DateTime.Utc | undefined;
}
export interface AllowanceReport {
    readonly name?: string | undefined;
    readonly remaining?: number | undefined;
    readonly resetsAt?: Status.Moment | undefined;
}

// KeyedPool.d.ts
import type * as Config from "effect/Config";
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import type { Allowance } from "./Allowance.ts";
import type { Lease } from "./Lease.ts";
import type { AddedObject, PooledObject } from "./PooledObject.ts";
import type { BorrowError, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolFull, PoolStats } from "./PoolError.ts";
import type { PoolEvent } from "./PoolEvent.ts";
import type { AddOptions, BorrowOptions, ClassOptions, PoolOptions, PoolSettings, WithOptions } from "./PoolOptions.ts";
import type { PoolTypes } from "./PoolService.ts";
import type { Self } from "./Self.ts";
import type { Status } from "./Status.ts";
export interface KeyedObject<out K, out A, out D = undefined> extends PooledObject<A, D> {
    readonly key: K;
}
export interface KeyedLease<out K, out A, out D = undefined> extends Lease<A, D> {
    readonly pooled: KeyedObject<K, A, D>;
}
export type KeyedEvent<K> = PoolEvent & {
    readonly key?: K;
};
export interface KeyedSize {
    readonly max?: number | "Infinity" | undefined;
    readonly perKey?: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
    } | undefined;
}
export interface KeyedSettings extends Omit<PoolSettings, "size"> {
    readonly size?: KeyedSize | undefined;
    readonly idleKeys?: Duration.Input | undefined;
}
export interface KeyedOptions<K, A, D, EA, EP, P, RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, C extends string = never> extends Omit<PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, never, C>, "acquire" | "objects" | "remember" | "size" | "data" | "allowance" | "leaseTimeout" | "pack" | "judge" | "detectStatus" | "onBorrow" | "onRelease">, Pick<KeyedSettings, "size" | "idleKeys"> {
    readonly acquire?: ((key: K, self: Self) => Effect.Effect<A, EA, RA>) | undefined;
    readonly data?: D | ((object: A, key: NoInfer<K>) => D) | undefined;
    readonly allowance?: Allowance | ReadonlyArray<Allowance> | ((pooled: KeyedObject<NoInfer<K>, NoInfer<A>, NoInfer<D>>) => Allowance | ReadonlyArray<Allowance>) | undefined;
    readonly leaseTimeout?: Duration.Input | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => Duration.Input) | undefined;
    readonly pack?: ((lease: KeyedLease<NoInfer<K>, A, NoInfer<D>>) => P | Effect.Effect<P, EP, RP>) | undefined;
    readonly judge?: ((exit: Exit.Exit<unknown, unknown>, pooled: KeyedObject<NoInfer<K>, NoInfer<A>, NoInfer<D>>) => Status.Answer | undefined) | undefined;
    readonly detectStatus?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => Status.Answer | Effect.Effect<Status.Answer, unknown, RD>) | undefined;
    readonly onBorrow?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RB>) | undefined;
    readonly onRelease?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RR>) | undefined;
}
export interface KeyedOperations<out S, in out K, in out A, in out D, out E, out P, in C extends string = never> {
    readonly borrow: (key: K) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly borrowWith: (key: K, options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly tryBorrow: (key: K) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly tryBorrowWith: (key: K, options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly with: <B, E1, R1>(key: K, f: (borrowed: P) => Effect.Effect<B, E1, R1>, options?: WithOptions<A, D, C>) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired, S | R1>;
    readonly borrowMany: (key: K, n: number, options?: BorrowOptions<A, D, C>) => Effect.Effect<ReadonlyArray<P>, E | BorrowError | InvalidPoolOptions, S | Scope.Scope>;
    readonly withMany: <B, E1, R1>(key: K, n: number, f: (borrowed: ReadonlyArray<P>) => Effect.Effect<B, E1, R1>, options?: BorrowOptions<A, D, C>) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | InvalidPoolOptions, S | R1>;
    readonly add: <R = never>(key: K, object: A, options?: AddOptions<A, D, R>) => Effect.Effect<AddedObject<A, D>, DuplicateObject | PoolFull | PoolClosed, S | R>;
    readonly addAll: <R = never>(key: K, objects: Iterable<A>, options?: AddOptions<A, D, R>) => Effect.Effect<ReadonlyArray<AddedObject<A, D>>, DuplicateObject | PoolFull | PoolClosed, S | R>;
    readonly remove: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly has: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly get: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<KeyedObject<K, A, D> | undefined, never, S>;
    readonly rest: (key: K, object: A | PooledObject<A, D>, duration: Duration.Input) => Effect.Effect<boolean, never, S>;
    readonly wake: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly reconsider: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly revoke: (key: K, target: Lease<A, D> | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly ready: (key: K) => Effect.Effect<void, E | PoolClosed, S>;
    readonly detect: Effect.Effect<void, PoolClosed, S>;
    readonly resize: (size: KeyedSize) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>;
    readonly resizeKey: (key: K, size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
    }) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>;
    readonly rotate: Effect.Effect<void, PoolClosed, S>;
    readonly suspend: Effect.Effect<void, PoolClosed, S>;
    readonly resume: Effect.Effect<void, PoolClosed, S>;
    readonly drain: Effect.Effect<void, PoolClosed, S>;
    readonly keys: Effect.Effect<ReadonlyArray<K>, never, S>;
    readonly stats: Effect.Effect<PoolStats, never, S>;
    readonly statsOf: (key: K) => Effect.Effect<PoolStats | undefined, never, S>;
    readonly objects: Effect.Effect<ReadonlyArray<KeyedObject<K, A, D>>, never, S>;
    readonly leases: Effect.Effect<ReadonlyArray<KeyedLease<K, A, D>>, never, S>;
    readonly events: Stream.Stream<KeyedEvent<K>, never, S>;
    readonly forget: (key: K) => Effect.Effect<boolean, never, S>;
    readonly close: Effect.Effect<void, never, S>;
}
export interface KeyedPool<in out K, in out A, in out D = undefined, out E = never, out P = KeyedLease<K, A, D>, in C extends string = never> extends KeyedOperations<never, K, A, D, E, P, C> {
    readonly name: string;
}
export interface KeyedPoolClass<in out Self, in out Id extends string, in out K, in out A, in out D, in out E, in out P, in out C extends string = never> extends Context.ServiceClass<Self, Id, KeyedPool<K, A, D, E, P, C>>, KeyedOperations<Self, K, A, D, E, P, C> {
    readonly layer: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never>(options: KeyedOptions<K, A, D, E, E, P, RA, RP, RS, RD, RB, RR, C> & KeyedDeclared<K, A, D, P, C>) => Layer.Layer<Self, never, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR>;
    readonly layerConfig: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never>(options: KeyedOptions<K, A, D, E, E, P, RA, RP, RS, RD, RB, RR, C> & KeyedDeclared<K, A, D, P, C>, settings: Config.Wrap<KeyedSettings>) => Layer.Layer<Self, Config.ConfigError | InvalidPoolOptions, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR>;
}
export type KeyedDeclared<K, A, D, P, C extends string = never> = ([undefined] extends [D] ? {} : {
    readonly data: {} | null;
}) & ([C] extends [never] ? {} : {
    readonly classes: {
        readonly [Name in C]: ClassOptions;
    };
}) & ([KeyedLease<K, A, D>] extends [P] ? {} : {
    readonly pack: (lease: KeyedLease<K, A, D>) => unknown;
});
export declare namespace KeyedPoolTypes {
    type Pack<K, A, T> = T extends {
        readonly pack: infer P;
    } ? P : KeyedLease<K, A, PoolTypes.Data<T>>;
}
export declare const KeyedPool: {
    readonly Service: <Self, K, A, T extends PoolTypes = {}>() => <const Id extends string>(id: Id) => KeyedPoolClass<Self, Id, K, A, PoolTypes.Data<T>, PoolTypes.Error<T>, KeyedPoolTypes.Pack<K, A, T>, PoolTypes.Classes<T>>;
    readonly make: <K, A, D = undefined, EA = never, EP = never, P = KeyedLease<K, A, D>, RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, C extends string = never>(options: KeyedOptions<K, A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, C> & {
        readonly name?: string | undefined;
    }) => Effect.Effect<KeyedPool<K, A, D, EA | EP, P, C>, never, Scope.Scope | RA | RP | RS | RD | RB | RR>;
};

// KeyedPromisePool.d.ts
import type * as Duration from "effect/Duration";
import { type KeyedEvent, type KeyedObject, type KeyedSize } from "./KeyedPool.ts";
import type { PooledObject, PromiseAddedObject } from "./PooledObject.ts";
import type { PoolStats } from "./PoolError.ts";
import type { BorrowOptions, PoolOptions } from "./PoolOptions.ts";
import type { PackedLease, PromiseLease } from "./PromiseLease.ts";
import type { Awaitable, PromiseAddOptions, PromiseBorrowOptions, PromisePoolOptions, PromiseWithOptions } from "./PromiseOptions.ts";
import type { PromiseJudge } from "./PromiseVerdict.ts";
import type { PromiseSelf } from "./Self.ts";
import type { Status } from "./Status.ts";
export interface KeyedPromiseLease<out K, out A, out D = undefined, out P = A> extends PromiseLease<A, D, P> {
    readonly pooled: KeyedObject<K, A, D>;
}
export interface KeyedPromiseOptions<K, A, D = undefined, P = A, C extends string = never> extends Omit<PromisePoolOptions<A, D, P, C>, "acquire" | "objects" | "remember" | "size" | "data" | "allowance" | "leaseTimeout" | "pack" | "judge" | "detectStatus" | "onBorrow" | "onRelease"> {
    readonly acquire?: ((key: K, signal: AbortSignal, self: PromiseSelf) => Awaitable<A>) | undefined;
    readonly size?: KeyedSize | undefined;
    readonly idleKeys?: Duration.Input | undefined;
    readonly data?: D | ((object: A, key: NoInfer<K>) => D) | undefined;
    readonly allowance?: PoolOptions<A, D, never, never, never>["allowance"];
    readonly leaseTimeout?: Duration.Input | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => Duration.Input) | undefined;
    readonly pack?: ((lease: KeyedPromiseLease<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => Awaitable<P>) | undefined;
    readonly judge?: PromiseJudge<NoInfer<A>, NoInfer<D>> | undefined;
    readonly detectStatus?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => Awaitable<Status.Answer>) | undefined;
    readonly onBorrow?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined;
    readonly onRelease?: ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined;
}
export interface KeyedPromisePool<in out K, in out A, in out D = undefined, out L extends PackedLease<unknown> = KeyedPromiseLease<K, A, D>, in C extends string = never> extends AsyncDisposable {
    readonly name: string;
    readonly borrow: (key: K, options?: PromiseBorrowOptions<A, D, C>) => Promise<L>;
    readonly with: <B>(key: K, f: (object: L["object"], signal: AbortSignal) => B, options?: PromiseWithOptions<A, D, C>) => Promise<Awaited<B>>;
    readonly borrowMany: (key: K, n: number, options?: PromiseBorrowOptions<A, D, C>) => Promise<ReadonlyArray<L>>;
    readonly withMany: <B>(key: K, n: number, f: (objects: ReadonlyArray<L["object"]>, signal: AbortSignal) => B, options?: PromiseBorrowOptions<A, D, C>) => Promise<Awaited<B>>;
    readonly borrowSync: (key: K, options?: Omit<BorrowOptions<A, D, C>, "timeout">) => L;
    readonly add: (key: K, object: A, options?: PromiseAddOptions<A, D>) => Promise<PromiseAddedObject<A, D>>;
    readonly addAll: (key: K, objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => Promise<ReadonlyArray<PromiseAddedObject<A, D>>>;
    readonly addSync: (key: K, object: A, options?: PromiseAddOptions<A, D>) => PromiseAddedObject<A, D>;
    readonly addAllSync: (key: K, objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => ReadonlyArray<PromiseAddedObject<A, D>>;
    readonly remove: (key: K, object: A | PooledObject<A, D>) => boolean;
    readonly has: (key: K, object: A | PooledObject<A, D>) => boolean;
    readonly get: (key: K, object: A | PooledObject<A, D>) => KeyedObject<K, A, D> | undefined;
    readonly rest: (key: K, object: A | PooledObject<A, D>, duration: Duration.Input) => boolean;
    readonly wake: (key: K, object: A | PooledObject<A, D>) => boolean;
    readonly reconsider: (key: K, object: A | PooledObject<A, D>) => boolean;
    readonly revoke: (key: K, target: PromiseLease<A, D, unknown> | PooledObject<A, D>) => boolean;
    readonly ready: (key: K) => Promise<void>;
    readonly detect: () => Promise<void>;
    readonly resize: (size: KeyedSize) => void;
    readonly resizeKey: (key: K, size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
    }) => void;
    readonly rotate: () => Promise<void>;
    readonly suspend: () => void;
    readonly resume: () => void;
    readonly drain: () => Promise<void>;
    readonly keys: () => ReadonlyArray<K>;
    readonly stats: () => PoolStats;
    readonly statsOf: (key: K) => PoolStats | undefined;
    readonly objects: () => ReadonlyArray<KeyedObject<K, A, D>>;
    readonly leases: () => ReadonlyArray<KeyedPromiseLease<K, A, D>>;
    readonly events: () => AsyncIterable<KeyedEvent<K>>;
    readonly forget: (key: K) => Promise<boolean>;
    readonly close: () => Promise<void>;
}
export declare const KeyedPromisePool: {
    readonly make: {
        <K, A, D = undefined, C extends string = never>(options: KeyedPromiseOptions<K, A, D, A, C> & {
            readonly pack?: undefined;
        }): KeyedPromisePool<K, A, D, KeyedPromiseLease<K, A, D>, C>;
        <K, A, D = undefined, P = A, C extends string = never>(options: KeyedPromiseOptions<K, A, D, P, C>): KeyedPromisePool<K, A, D, KeyedPromiseLease<K, A, D, P>, C>;
    };
};

// Lease.d.ts
import type * as DateTime from "effect/DateTime";
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { AllowanceReport } from "./Allowance.ts";
import type { PooledObject } from "./PooledObject.ts";
import type { LeaseExpired } from "./PoolError.ts";
import type { Status } from "./Status.ts";
export interface Lease<out A, out D = undefined> {
    readonly object: A;
    readonly data: D;
    readonly pooled: PooledObject<A, D>;
    readonly id: number;
    readonly borrowedAt: DateTime.Utc;
    readonly expiresAt: DateTime.Utc | undefined;
    readonly release: Effect.Effect<void>;
    readonly invalidate: Effect.Effect<void>;
    readonly rest: (duration: Duration.Input, facet?: string) => Effect.Effect<void>;
    readonly restUntil: (moment: Status.Moment, facet?: string) => Effect.Effect<void>;
    readonly charge: (cost: number, name?: string) => Effect.Effect<void>;
    readonly recount: Effect.Effect<void>;
    readonly report: (report: AllowanceReport) => Effect.Effect<void>;
    readonly renew: Effect.Effect<void, LeaseExpired>;
    readonly detach: Effect.Effect<A, LeaseExpired, Scope.Scope>;
    readonly expired: Effect.Effect<never, LeaseExpired>;
}

// NotSynchronous.d.ts
import * as Schema from "effect/Schema";
declare const NotSynchronous_base: Schema.Class<NotSynchronous, Schema.TaggedStruct<"NotSynchronous", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
    readonly operation: Schema.String;
    readonly callback: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class NotSynchronous extends NotSynchronous_base {
    get message(): string;
}
export {};

// ObjectPool.d.ts
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import type * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import type * as Stream from "effect/Stream";
import { type AnyOptions } from "./internal/pool/options.ts";
import type { Lease } from "./Lease.ts";
import type { AddedObject, PooledObject } from "./PooledObject.ts";
import type { BorrowError, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolFull, PoolStats } from "./PoolError.ts";
import type { PoolEvent } from "./PoolEvent.ts";
import type { AddOptions, BorrowOptions, DataRequired, PoolOptions, RememberedIn, WithOptions } from "./PoolOptions.ts";
export interface Operations<out S, in out A, in out D, out E, out P, in C extends string = never> {
    readonly borrow: Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly borrowWith: (options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly tryBorrow: Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly tryBorrowWith: (options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>;
    readonly with: <B, E1, R1>(f: (borrowed: P) => Effect.Effect<B, E1, R1>, options?: WithOptions<A, D, C>) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired, S | R1>;
    readonly borrowMany: (n: number, options?: BorrowOptions<A, D, C>) => Effect.Effect<ReadonlyArray<P>, E | BorrowError | InvalidPoolOptions, S | Scope.Scope>;
    readonly withMany: <B, E1, R1>(n: number, f: (borrowed: ReadonlyArray<P>) => Effect.Effect<B, E1, R1>, options?: BorrowOptions<A, D, C>) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | InvalidPoolOptions, S | R1>;
    readonly add: <R = never>(object: A, options?: AddOptions<A, D, R>) => Effect.Effect<AddedObject<A, D>, DuplicateObject | PoolFull | PoolClosed, S | R>;
    readonly addAll: <R = never>(objects: Iterable<A>, options?: AddOptions<A, D, R>) => Effect.Effect<ReadonlyArray<AddedObject<A, D>>, DuplicateObject | PoolFull | PoolClosed, S | R>;
    readonly remove: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly has: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly get: (object: A | PooledObject<A, D>) => Effect.Effect<PooledObject<A, D> | undefined, never, S>;
    readonly detect: Effect.Effect<void, PoolClosed, S>;
    readonly rest: (object: A | PooledObject<A, D>, duration: Duration.Input) => Effect.Effect<boolean, never, S>;
    readonly wake: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly reconsider: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly revoke: (target: Lease<A, D> | PooledObject<A, D>) => Effect.Effect<boolean, never, S>;
    readonly ready: Effect.Effect<void, E | PoolClosed, S>;
    readonly resize: (size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
        readonly spare?: number | undefined;
    }) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>;
    readonly rotate: Effect.Effect<void, PoolClosed, S>;
    readonly suspend: Effect.Effect<void, PoolClosed, S>;
    readonly resume: Effect.Effect<void, PoolClosed, S>;
    readonly drain: Effect.Effect<void, PoolClosed, S>;
    readonly stats: Effect.Effect<PoolStats, never, S>;
    readonly objects: Effect.Effect<ReadonlyArray<PooledObject<A, D>>, never, S>;
    readonly leases: Effect.Effect<ReadonlyArray<Lease<A, D>>, never, S>;
    readonly events: Stream.Stream<PoolEvent, never, S>;
    readonly close: Effect.Effect<void, never, S>;
}
export interface ObjectPool<in out A, in out D = undefined, out E = never, out P = Lease<A, D>, in C extends string = never> extends Operations<never, A, D, E, P, C> {
    readonly name: string;
}
export declare const ObjectPool: {
    readonly make: <A, D = undefined, EA = never, EP = never, P = Lease<A, D>, RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, K extends string = never, C extends string = never>(options: PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, K, C> & {
        readonly name?: string | undefined;
    } & DataRequired<NoInfer<D>>) => Effect.Effect<ObjectPool<A, D, EA | EP, P, C>, never, Scope.Scope | RA | RP | RS | RD | RB | RR | RememberedIn<K>>;
};
export declare const assemble: <A, D, E, P, C extends string = never>(name: string, options: AnyOptions<A, D>, fiber: Fiber.Fiber<unknown, unknown>) => ObjectPool<A, D, E, P, C>;

// PoolError.d.ts
import * as Schema from "effect/Schema";
export declare const ClassStats: Schema.Struct<{
    readonly leases: Schema.Int;
    readonly waiting: Schema.Int;
    readonly reserve: Schema.Int;
    readonly most: Schema.optionalKey<Schema.Int>;
    readonly weight: Schema.Finite;
    readonly totals: Schema.Struct<{
        readonly borrowed: Schema.Int;
        readonly timedOut: Schema.Int;
        readonly exhausted: Schema.Int;
    }>;
}>;
export interface ClassStats extends Schema.Schema.Type<typeof ClassStats> {
}
export declare const PoolStats: Schema.Struct<{
    readonly size: Schema.Int;
    readonly min: Schema.Int;
    readonly max: Schema.optionalKey<Schema.Int>;
    readonly pending: Schema.Int;
    readonly available: Schema.Int;
    readonly borrowed: Schema.Int;
    readonly dormant: Schema.Int;
    readonly unknown: Schema.Int;
    readonly invalid: Schema.Int;
    readonly making: Schema.Int;
    readonly leases: Schema.Int;
    readonly waiting: Schema.Int;
    readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly reserve: Schema.Int;
        readonly most: Schema.optionalKey<Schema.Int>;
        readonly weight: Schema.Finite;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
        }>;
    }>>>;
    readonly totals: Schema.Struct<{
        readonly borrowed: Schema.Int;
        readonly added: Schema.Int;
        readonly made: Schema.Int;
        readonly destroyed: Schema.Int;
        readonly timedOut: Schema.Int;
        readonly exhausted: Schema.Int;
        readonly expired: Schema.Int;
    }>;
}>;
export interface PoolStats extends Schema.Schema.Type<typeof PoolStats> {
}
declare const PoolExhausted_base: Schema.Class<PoolExhausted, Schema.TaggedStruct<"PoolExhausted", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
    readonly reason: Schema.Literals<readonly ["NoneAvailable", "WaitersFull", "Suspended", "Resting", "CostTooHigh", "Overloaded", "NoRoom"]>;
    readonly class: Schema.optionalKey<Schema.String>;
    readonly retryAfter: Schema.optionalKey<Schema.DurationFromMillis>;
}>, import("effect/Cause").YieldableError>;
export declare class PoolExhausted extends PoolExhausted_base {
    get message(): string;
}
declare const BorrowTimeout_base: Schema.Class<BorrowTimeout, Schema.TaggedStruct<"BorrowTimeout", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
    readonly waited: Schema.DurationFromMillis;
    readonly phase: Schema.Literals<readonly ["Waiting", "Acquiring", "Detecting"]>;
    readonly held: Schema.Int;
    readonly class: Schema.optionalKey<Schema.String>;
    readonly retryAfter: Schema.optionalKey<Schema.DurationFromMillis>;
    readonly lastFailure: Schema.optionalKey<Schema.Defect>;
}>, import("effect/Cause").YieldableError>;
export declare class BorrowTimeout extends BorrowTimeout_base {
    get message(): string;
}
declare const PoolClosed_base: Schema.Class<PoolClosed, Schema.TaggedStruct<"PoolClosed", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
}>, import("effect/Cause").YieldableError>;
export declare class PoolClosed extends PoolClosed_base {
    get message(): string;
}
declare const PoolFull_base: Schema.Class<PoolFull, Schema.TaggedStruct<"PoolFull", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
}>, import("effect/Cause").YieldableError>;
export declare class PoolFull extends PoolFull_base {
    get message(): string;
}
declare const LeaseExpired_base: Schema.Class<LeaseExpired, Schema.TaggedStruct<"LeaseExpired", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
    readonly leaseId: Schema.Int;
    readonly objectId: Schema.Int;
    readonly reason: Schema.Literals<readonly ["Expired", "Released", "Revoked", "Closed", "Lost"]>;
}>, import("effect/Cause").YieldableError>;
export declare class LeaseExpired extends LeaseExpired_base {
    get message(): string;
}
declare const DuplicateObject_base: Schema.Class<DuplicateObject, Schema.TaggedStruct<"DuplicateObject", {
    readonly pool: Schema.String;
    readonly stats: Schema.Struct<{
        readonly size: Schema.Int;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly pending: Schema.Int;
        readonly available: Schema.Int;
        readonly borrowed: Schema.Int;
        readonly dormant: Schema.Int;
        readonly unknown: Schema.Int;
        readonly invalid: Schema.Int;
        readonly making: Schema.Int;
        readonly leases: Schema.Int;
        readonly waiting: Schema.Int;
        readonly classes: Schema.optionalKey<Schema.$Record<Schema.String, Schema.Struct<{
            readonly leases: Schema.Int;
            readonly waiting: Schema.Int;
            readonly reserve: Schema.Int;
            readonly most: Schema.optionalKey<Schema.Int>;
            readonly weight: Schema.Finite;
            readonly totals: Schema.Struct<{
                readonly borrowed: Schema.Int;
                readonly timedOut: Schema.Int;
                readonly exhausted: Schema.Int;
            }>;
        }>>>;
        readonly totals: Schema.Struct<{
            readonly borrowed: Schema.Int;
            readonly added: Schema.Int;
            readonly made: Schema.Int;
            readonly destroyed: Schema.Int;
            readonly timedOut: Schema.Int;
            readonly exhausted: Schema.Int;
            readonly expired: Schema.Int;
        }>;
    }>;
    readonly objectId: Schema.Int;
}>, import("effect/Cause").YieldableError>;
export declare class DuplicateObject extends DuplicateObject_base {
    get message(): string;
}
declare const InvalidPoolOptions_base: Schema.Class<InvalidPoolOptions, Schema.TaggedStruct<"InvalidPoolOptions", {
    readonly pool: Schema.String;
    readonly option: Schema.String;
    readonly value: Schema.String;
    readonly allowed: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidPoolOptions extends InvalidPoolOptions_base {
    get message(): string;
}
export type BorrowError = PoolExhausted | BorrowTimeout | PoolClosed | LeaseExpired;
export declare const print: ({ prototype }: {
    readonly prototype: Error;
}) => void;
export {};

// PoolEvent.d.ts
import * as Schema from "effect/Schema";
import { Status } from "./Status.ts";
export declare const PoolEvent: Schema.TaggedUnion<{
    readonly AcquireFailed: Schema.TaggedStruct<"AcquireFailed", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly took: Schema.DurationFromMillis;
        readonly failure: Schema.Defect;
    }>;
    readonly Acquired: Schema.TaggedStruct<"Acquired", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly took: Schema.DurationFromMillis;
    }>;
    readonly Added: Schema.TaggedStruct<"Added", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
        objectId: Schema.Int;
    }>;
    readonly Borrowed: Schema.TaggedStruct<"Borrowed", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly leaseId: Schema.Int;
        readonly class: Schema.optionalKey<Schema.String>;
        readonly waited: Schema.DurationFromMillis;
        readonly phase: Schema.Literals<readonly ["AtOnce", "Waiting", "Acquiring", "Detecting"]>;
    }>;
    readonly Closed: Schema.TaggedStruct<"Closed", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
    }>;
    readonly Closing: Schema.TaggedStruct<"Closing", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
    }>;
    readonly DestroyFailed: Schema.TaggedStruct<"DestroyFailed", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly failure: Schema.Defect;
    }>;
    readonly Destroyed: Schema.TaggedStruct<"Destroyed", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
        objectId: Schema.Int;
    }>;
    readonly Detected: Schema.TaggedStruct<"Detected", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly answer: Schema.Literals<readonly ["Available", "Dormant", "Invalid", "Unknown"]>;
        readonly took: Schema.DurationFromMillis;
    }>;
    readonly DetectionFailed: Schema.TaggedStruct<"DetectionFailed", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly took: Schema.DurationFromMillis;
        readonly failure: Schema.Defect;
    }>;
    readonly Evicted: Schema.TaggedStruct<"Evicted", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly reason: Schema.Literals<readonly ["Detected", "Judged", "Unknown", "Invalidated", "Removed", "Expired", "HookFailed", "Late", "TimeToLive", "Idle", "MaxBorrows", "Resized", "Room", "Rotated", "Closed"]>;
    }>;
    readonly LeaseExpired: Schema.TaggedStruct<"LeaseExpired", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
        objectId: Schema.Int;
        leaseId: Schema.Int;
    }>;
    readonly LeaseOverdue: Schema.TaggedStruct<"LeaseOverdue", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly leaseId: Schema.Int;
        readonly held: Schema.DurationFromMillis;
        readonly borrower: Schema.String;
        readonly site: Schema.optionalKey<Schema.String>;
    }>;
    readonly LeaseRevoked: Schema.TaggedStruct<"LeaseRevoked", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
        objectId: Schema.Int;
        leaseId: Schema.Int;
    }>;
    readonly Left: Schema.TaggedStruct<"Left", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
        objectId: Schema.Int;
    }>;
    readonly Missed: Schema.TaggedStruct<"Missed", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly events: Schema.Int;
    }>;
    readonly Released: Schema.TaggedStruct<"Released", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly leaseId: Schema.Int;
        readonly class: Schema.optionalKey<Schema.String>;
        readonly held: Schema.DurationFromMillis;
    }>;
    readonly Resized: Schema.TaggedStruct<"Resized", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly min: Schema.Int;
        readonly max: Schema.optionalKey<Schema.Int>;
        readonly spare: Schema.optionalKey<Schema.Int>;
    }>;
    readonly Rested: Schema.TaggedStruct<"Rested", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly reason: Schema.Literals<readonly ["Asked", "Detected", "Judged", "Spent"]>;
        readonly allowance: Schema.optionalKey<Schema.String>;
        readonly facet: Schema.optionalKey<Schema.String>;
        readonly until: Schema.optionalKey<Schema.DateTimeUtcFromMillis>;
    }>;
    readonly Resumed: Schema.TaggedStruct<"Resumed", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
    }>;
    readonly Rotated: Schema.TaggedStruct<"Rotated", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
    }>;
    readonly StatusChanged: Schema.TaggedStruct<"StatusChanged", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly transition: Schema.Literals<Status.Transition[]>;
    }>;
    readonly Suspended: Schema.TaggedStruct<"Suspended", {
        pool: Schema.String;
        at: Schema.DateTimeUtcFromMillis;
    }>;
    readonly WaiterRefused: Schema.TaggedStruct<"WaiterRefused", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly class: Schema.optionalKey<Schema.String>;
        readonly reason: Schema.Literals<readonly ["NoneAvailable", "WaitersFull", "Suspended", "Resting", "CostTooHigh", "Overloaded", "NoRoom"]>;
    }>;
    readonly WaiterTimedOut: Schema.TaggedStruct<"WaiterTimedOut", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly class: Schema.optionalKey<Schema.String>;
        readonly waited: Schema.DurationFromMillis;
        readonly phase: Schema.Literals<readonly ["Waiting", "Acquiring", "Detecting"]>;
    }>;
    readonly Woke: Schema.TaggedStruct<"Woke", {
        readonly pool: Schema.String;
        readonly at: Schema.DateTimeUtcFromMillis;
        readonly objectId: Schema.Int;
        readonly facet: Schema.optionalKey<Schema.String>;
    }>;
}>;
export type PoolEvent = typeof PoolEvent.Type;

// PoolMetrics.d.ts
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import type { KeyedPool } from "./KeyedPool.ts";
import type { ObjectPool } from "./ObjectPool.ts";
export interface PoolMetricsOptions {
    readonly names?: {
        readonly prefix: string;
    } | "OpenTelemetry" | undefined;
    readonly describeKey?: ((key: unknown) => string | undefined) | undefined;
}
export declare const PoolMetrics: {
    readonly layer: {
        <Self, A, D, E, P, C extends string = never>(tag: Context.Key<Self, ObjectPool<A, D, E, P, C>>, options?: PoolMetricsOptions): Layer.Layer<never, never, Self>;
        <Self, K, A, D, E, P, C extends string = never>(tag: Context.Key<Self, KeyedPool<K, A, D, E, P, C>>, options?: PoolMetricsOptions): Layer.Layer<never, never, Self>;
    };
    readonly register: <K, A, D, E, P>(pool: ObjectPool<A, D, E, P> | KeyedPool<K, A, D, E, P>, options?: PoolMetricsOptions) => Effect.Effect<void, never, Scope.Scope>;
};

// PoolOptions.d.ts
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
import type { KeyValueStore } from "effect/persistence/KeyValueStore";
import type * as Schedule from "effect/Schedule";
import type { Allowance } from "./Allowance.ts";
import type { Lease } from "./Lease.ts";
import type { PooledObject } from "./PooledObject.ts";
import type { Select } from "./Selector.ts";
import type { Self } from "./Self.ts";
import type { Status } from "./Status.ts";
import type { Judge } from "./Verdict.ts";
export interface PoolSettings {
    readonly size?: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
        readonly spare?: number | undefined;
    } | undefined;
    readonly sharing?: number | "Infinity" | undefined;
    readonly maxWaiters?: number | "Infinity" | undefined;
    readonly overload?: {
        readonly target: Duration.Input;
        readonly interval?: Duration.Input | undefined;
    } | undefined;
    readonly waitsForResting?: boolean | undefined;
    readonly borrowTimeout?: Duration.Input | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
    readonly leaseWarning?: Duration.Input | undefined;
    readonly captureBorrowSite?: boolean | undefined;
    readonly onLeaseExpired?: "destroy" | "detect" | "return" | undefined;
    readonly hookTimeout?: Duration.Input | undefined;
    readonly detection?: {
        readonly onAdd?: boolean | undefined;
        readonly onBorrow?: boolean | {
            readonly trustFor: Duration.Input;
        } | undefined;
        readonly onRelease?: boolean | undefined;
        readonly every?: Duration.Input | undefined;
        readonly concurrency?: number | "Infinity" | undefined;
        readonly timeout?: Duration.Input | undefined;
        readonly dormantFor?: Duration.Input | undefined;
    } | undefined;
    readonly creation?: {
        readonly concurrency?: number | "Infinity" | undefined;
        readonly timeout?: Duration.Input | undefined;
    } | undefined;
    readonly lifetime?: {
        readonly timeToLive?: Duration.Input | undefined;
        readonly idleTimeToLive?: Duration.Input | undefined;
        readonly maxBorrows?: number | "Infinity" | undefined;
        readonly jitter?: number | undefined;
    } | undefined;
    readonly closing?: {
        readonly waiters?: "fail" | "serve" | undefined;
        readonly timeout?: Duration.Input | undefined;
    } | undefined;
}
export interface DetectionOptions extends Omit<NonNullable<PoolSettings["detection"]>, "every"> {
    readonly every?: Duration.Input | Schedule.Schedule<unknown> | undefined;
    readonly retry?: Schedule.Schedule<unknown> | undefined;
}
export interface CreationOptions<in E> extends NonNullable<PoolSettings["creation"]> {
    readonly retry?: Schedule.Schedule<unknown, E> | undefined;
}
export interface PoolOptions<A, D, EA, EP, P, RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, K extends string = never, C extends string = never> extends Omit<PoolSettings, "leaseTimeout" | "detection" | "creation" | "sharing"> {
    readonly sharing?: number | "Infinity" | ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => number | "Infinity") | undefined;
    readonly acquire?: Effect.Effect<A, EA, RA> | ((self: Self) => Effect.Effect<A, EA, RA>) | undefined;
    readonly objects?: Iterable<A> | undefined;
    readonly data?: D | ((object: A) => D) | undefined;
    readonly select?: Select<A, D, RS> | undefined;
    readonly allowance?: Allowance | ReadonlyArray<Allowance> | ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => Allowance | ReadonlyArray<Allowance>) | undefined;
    readonly classes?: {
        readonly [Name in C]: ClassOptions;
    } | undefined;
    readonly remember?: Remember<A, K> | undefined;
    readonly leaseTimeout?: Duration.Input | ((pooled: PooledObject<A, NoInfer<D>>) => Duration.Input) | undefined;
    readonly pack?: ((lease: Lease<A, NoInfer<D>>) => P | Effect.Effect<P, EP, RP>) | undefined;
    readonly detectStatus?: ((pooled: PooledObject<A, NoInfer<D>>) => Status.Answer | Effect.Effect<Status.Answer, unknown, RD>) | undefined;
    readonly judge?: Judge<NoInfer<A>, NoInfer<D>> | undefined;
    readonly detection?: DetectionOptions | undefined;
    readonly creation?: CreationOptions<NoInfer<EA>> | undefined;
    readonly onBorrow?: ((pooled: PooledObject<A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RB>) | undefined;
    readonly onRelease?: ((pooled: PooledObject<A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RR>) | undefined;
}
export interface ClassOptions {
    readonly reserve?: number | undefined;
    readonly most?: number | "Infinity" | undefined;
    readonly weight?: number | undefined;
}
export type SettingsOf<C extends string = never> = PoolSettings & ([C] extends [never] ? {} : {
    readonly classes?: {
        readonly [Name in C]?: ClassOptions;
    } | undefined;
});
export interface Remember<in A, out K extends string = string> {
    readonly key: (object: A) => K;
}
export type RememberedIn<K> = [K] extends [never] ? never : KeyValueStore;
export type DataRequired<D> = [undefined] extends [D] ? {} : [D] extends [never] ? {
    readonly data: {} | null;
} : [D] extends [Effect.Effect<unknown, unknown, unknown>] ? {
    readonly data: DataIsNoEffect;
} : {
    readonly data: {} | null;
};
interface DataIsNoEffect {
    readonly "data is a value, or a function that makes one: an effect would be kept, and never run": never;
}
export type DataGiven<D> = D extends object ? D extends ReadonlyArray<unknown> | ((...args: never) => unknown) ? D : D | Partial<D> : D;
export type Declared<A, D, P, C extends string = never> = DataRequired<D> & ([C] extends [never] ? {} : {
    readonly classes: {
        readonly [Name in C]: ClassOptions;
    };
}) & ([Lease<A, D>] extends [P] ? {} : {
    readonly pack: (lease: Lease<A, D>) => unknown;
});
export interface BorrowOptions<in A, in D = undefined, out C extends string = never> {
    readonly timeout?: Duration.Input | undefined;
    readonly where?: ((pooled: PooledObject<A, D>) => boolean) | undefined;
    readonly prefer?: ((pooled: PooledObject<A, D>) => boolean) | undefined;
    readonly affinity?: string | undefined;
    readonly priority?: number | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
    readonly facet?: string | undefined;
    readonly cost?: number | undefined;
    readonly class?: C | undefined;
}
export interface WithOptions<in A, in D = undefined, out C extends string = never> extends BorrowOptions<A, D, C> {
    readonly failover?: number | undefined;
}
export interface AddOptions<in out A, in out D = undefined, out R = never> {
    readonly data?: DataGiven<D> | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
    readonly destroy?: ((object: A) => Effect.Effect<void, never, R>) | undefined;
    readonly release?: ((object: A) => Effect.Effect<void, never, R>) | undefined;
}
export {};

// PoolService.d.ts
import type * as Config from "effect/Config";
import * as Context from "effect/Context";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type { Lease } from "./Lease.ts";
import { type ObjectPool, type Operations } from "./ObjectPool.ts";
import type { InvalidPoolOptions } from "./PoolError.ts";
import type { DataRequired, Declared, PoolOptions, RememberedIn, SettingsOf } from "./PoolOptions.ts";
export interface PoolTypes {
    readonly error?: unknown;
    readonly data?: unknown;
    readonly pack?: unknown;
    readonly classes?: string;
}
export declare namespace PoolTypes {
    type Error<T> = T extends {
        readonly error: infer E;
    } ? E : never;
    type Data<T> = T extends {
        readonly data: infer D;
    } ? D : undefined;
    type Pack<A, T> = T extends {
        readonly pack: infer P;
    } ? P : Lease<A, Data<T>>;
    type Classes<T> = T extends {
        readonly classes: infer C extends string;
    } ? C : never;
}
export interface PoolClass<in out Self, in out Id extends string, in out A, in out D, in out E, in out P, in out C extends string = never> extends Context.ServiceClass<Self, Id, ObjectPool<A, D, E, P, C>>, Operations<Self, A, D, E, P, C> {
    readonly layer: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(options: PoolOptions<A, D, E, E, P, RA, RP, RS, RD, RB, RR, K, C> & Declared<A, D, P, C>) => Layer.Layer<Self, never, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>>;
    readonly layerConfig: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(options: PoolOptions<A, D, E, E, P, RA, RP, RS, RD, RB, RR, K, C> & Declared<A, D, P, C>, settings: Config.Wrap<SettingsOf<C>>) => Layer.Layer<Self, Config.ConfigError | InvalidPoolOptions, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>>;
}
export interface PoolClassWithLayer<in out Self, in out Id extends string, in out A, in out D, in out E, in out P, in out R, in out C extends string = never> extends Context.ServiceClass<Self, Id, ObjectPool<A, D, E, P, C>>, Operations<Self, A, D, E, P, C> {
    readonly layer: Layer.Layer<Self, never, R>;
    readonly layerConfig: (settings: Config.Wrap<SettingsOf<C>>) => Layer.Layer<Self, Config.ConfigError | InvalidPoolOptions, R>;
}
type MissingSelf = "Missing `Self`: write `class Keys extends PoolService<Keys, ApiKey>()(\"app/Keys\") {}`";
type MissingObject = "Give `acquire` or `objects`, or name the object: `PoolService<Keys, ApiKey>()(\"app/Keys\")`";
type NotAnnotated = "A callback needs its parameter annotated here: `Effect.fnUntraced(function*(pooled: PooledObject<ApiKey>) {…})`, or `(pooled) => Effect.gen(…)`";
type UnknownType = "The third type parameter knows `error`, `data`, `pack` and `classes`";
export interface DeclarePool<Self, A, T> {
    <const Id extends string>(id: Id): PoolClass<Self, Id, A, PoolTypes.Data<T>, PoolTypes.Error<T>, PoolTypes.Pack<A, T>, PoolTypes.Classes<T>>;
}
export interface InferPool<Self> {
    <const Id extends string, A, D = undefined, EA = never, EP = never, P = Lease<A, D>, RA = never, RP = never, RS = never, RD = never, RB = never, RR = never, K extends string = never, C extends string = never>(id: Id, options: PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, K, C> & DataRequired<NoInfer<D>>): [Self] extends [never] ? MissingSelf : [unknown] extends [A] ? MissingObject : [unknown] extends [RA | RP | RS | RD | RB | RR] ? NotAnnotated : PoolClassWithLayer<Self, Id, A, D, EA | EP, P, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>, C>;
}
export declare const PoolService: <Self = never, A = never, T extends PoolTypes = {}>() => [A] extends [never] ? InferPool<Self> : [Exclude<keyof T, keyof PoolTypes>] extends [never] ? DeclarePool<Self, A, T> : (id: string) => UnknownType;
export {};

// PooledObject.d.ts
import type * as DateTime from "effect/DateTime";
import type { AllowanceState } from "./Allowance.ts";
import type { PromiseSelf, Self } from "./Self.ts";
import type { Status } from "./Status.ts";
export interface PooledObject<out A, out D = undefined> {
    readonly object: A;
    readonly data: D;
    readonly id: number;
    readonly status: Status;
    readonly addedAt: DateTime.Utc;
    readonly detectedAt: DateTime.Utc | undefined;
    readonly borrowedAt: DateTime.Utc | undefined;
    readonly releasedAt: DateTime.Utc | undefined;
    readonly borrowCount: number;
    readonly leases: number;
    readonly failures: number;
    readonly wakesAt: DateTime.Utc | undefined;
    readonly dates: {
        readonly addedAt: Date;
        readonly detectedAt: Date | undefined;
        readonly borrowedAt: Date | undefined;
        readonly releasedAt: Date | undefined;
        readonly wakesAt: Date | undefined;
    };
    readonly facets: ReadonlyArray<{
        readonly name: string;
        readonly until: DateTime.Utc | undefined;
    }>;
    readonly allowances: ReadonlyArray<AllowanceState>;
}
export interface AddedObject<out A, out D = undefined> extends PooledObject<A, D>, Self {
}
export interface PromiseAddedObject<out A, out D = undefined> extends PooledObject<A, D>, PromiseSelf {
}

// PromiseLease.d.ts
import type * as DateTime from "effect/DateTime";
import type * as Duration from "effect/Duration";
import type { AllowanceReport } from "./Allowance.ts";
import type { PooledObject } from "./PooledObject.ts";
import type { Status } from "./Status.ts";
export interface PackedLease<out P> extends AsyncDisposable, Disposable {
    readonly object: P;
    readonly release: () => Promise<void>;
    readonly releaseSync: () => void;
}
export interface PromiseLease<out A, out D = undefined, out P = A> extends PackedLease<P> {
    readonly data: D;
    readonly pooled: PooledObject<A, D>;
    readonly id: number;
    readonly borrowedAt: DateTime.Utc;
    readonly expiresAt: DateTime.Utc | undefined;
    readonly dates: {
        readonly borrowedAt: Date;
        readonly expiresAt: Date | undefined;
    };
    readonly signal: AbortSignal;
    readonly invalidate: () => void;
    readonly rest: (duration: Duration.Input, facet?: string) => void;
    readonly restUntil: (moment: Status.Moment, facet?: string) => void;
    readonly charge: (cost: number, name?: string) => void;
    readonly recount: () => void;
    readonly report: (report: AllowanceReport) => void;
    readonly renew: () => void;
    readonly detach: () => Promise<Detached<A>>;
}
export interface Detached<out A> extends AsyncDisposable {
    readonly object: A;
    readonly destroy: () => Promise<void>;
}

// PromiseOptions.d.ts
import type * as Duration from "effect/Duration";
import type { PooledObject } from "./PooledObject.ts";
import type { BorrowOptions, ClassOptions, CreationOptions, DataGiven, DetectionOptions, PoolOptions, PoolSettings, Remember, WithOptions } from "./PoolOptions.ts";
import type { PromiseLease } from "./PromiseLease.ts";
import type { PromiseJudge } from "./PromiseVerdict.ts";
import type { AnySelector, Selector } from "./Selector.ts";
import type { PromiseSelf } from "./Self.ts";
import type { Status } from "./Status.ts";
export type Awaitable<B> = B | PromiseLike<B>;
export interface PromisePoolOptions<A, D = undefined, P = A, C extends string = never> extends Omit<PoolSettings, "leaseTimeout" | "detection" | "creation" | "sharing"> {
    readonly name?: string | undefined;
    readonly log?: ((entry: PoolLogEntry) => unknown) | undefined;
    readonly acquire?: ((signal: AbortSignal, self: PromiseSelf) => Awaitable<A>) | undefined;
    readonly destroy?: ((object: A, signal: AbortSignal) => unknown) | undefined;
    readonly objects?: Iterable<A> | undefined;
    readonly data?: D | ((object: A) => D) | undefined;
    readonly select?: PromiseSelect<NoInfer<A>, NoInfer<D>> | undefined;
    readonly leaseTimeout?: Duration.Input | ((pooled: PooledObject<A, NoInfer<D>>) => Duration.Input) | undefined;
    readonly pack?: ((lease: PromiseLease<A, NoInfer<D>>, signal: AbortSignal) => Awaitable<P>) | undefined;
    readonly unpack?: ((packed: P, signal: AbortSignal) => unknown) | undefined;
    readonly sharing?: PoolOptions<A, D, never, never, never>["sharing"];
    readonly classes?: {
        readonly [Name in C]: ClassOptions;
    } | undefined;
    readonly allowance?: PoolOptions<A, D, never, never, never>["allowance"];
    readonly remember?: PromiseRemember<NoInfer<A>> | undefined;
    readonly detectStatus?: ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => Awaitable<Status.Answer>) | undefined;
    readonly judge?: PromiseJudge<NoInfer<A>, NoInfer<D>> | undefined;
    readonly detection?: PromiseDetectionOptions | undefined;
    readonly creation?: PromiseCreationOptions | undefined;
    readonly onBorrow?: ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined;
    readonly onRelease?: ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined;
}
export interface PromiseStore {
    get(key: string): Awaitable<string | null | undefined>;
    set(key: string, value: string): unknown;
    delete?(key: string): unknown;
}
export interface PromiseRemember<in A> extends Remember<A> {
    readonly store: PromiseStore;
}
export interface PromiseRetry {
    readonly times: number | "Infinity";
    readonly delay?: Duration.Input | undefined;
    readonly factor?: number | undefined;
    readonly maxDelay?: Duration.Input | undefined;
}
export interface PromiseDetectionOptions extends Omit<DetectionOptions, "retry"> {
    readonly retry?: number | "Infinity" | PromiseRetry | DetectionOptions["retry"];
}
export interface PromiseCreationOptions extends Omit<CreationOptions<unknown>, "retry"> {
    readonly retry?: number | "Infinity" | PromiseRetry | CreationOptions<unknown>["retry"];
}
export interface PoolLogEntry {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly message: string;
    readonly date: Date;
    readonly cause?: unknown;
    readonly annotations: {
        readonly pool: string;
        readonly object?: number;
        readonly lease?: number;
        readonly [name: string]: unknown;
    };
}
export type PromiseSelect<A, D> = AnySelector | Selector<A, D> | {
    readonly weight: (pooled: PooledObject<A, D>) => number;
} | {
    readonly rank: (pooled: PooledObject<A, D>) => number;
    readonly within?: AnySelector | Selector<A, D> | undefined;
} | ((available: ReadonlyArray<PooledObject<A, D>>, signal: AbortSignal) => Awaitable<PooledObject<A, D> | undefined>);
export interface PromiseBorrowOptions<in A, in D = undefined, out C extends string = never> extends BorrowOptions<A, D, C> {
    readonly signal?: AbortSignal | undefined;
}
export interface PromiseWithOptions<in A, in D = undefined, out C extends string = never> extends PromiseBorrowOptions<A, D, C>, Pick<WithOptions<A, D>, "failover"> {
}
export interface PromiseAddOptions<in A, in out D = undefined> {
    readonly data?: DataGiven<D> | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
    readonly destroy?: ((object: A, signal: AbortSignal) => unknown) | undefined;
}

// PromisePool.d.ts
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import { Running } from "./internal/promise/running.ts";
import type { Lease } from "./Lease.ts";
import { ObjectPool } from "./ObjectPool.ts";
import type { PooledObject, PromiseAddedObject } from "./PooledObject.ts";
import type { PoolStats } from "./PoolError.ts";
import type { PoolEvent } from "./PoolEvent.ts";
import type { BorrowOptions, DataRequired } from "./PoolOptions.ts";
import type { PackedLease, PromiseLease } from "./PromiseLease.ts";
import type { PromiseAddOptions, PromiseBorrowOptions, PromisePoolOptions, PromiseWithOptions } from "./PromiseOptions.ts";
export interface PromisePool<in out A, in out D = undefined, out L extends PackedLease<unknown> = PromiseLease<A, D>, in C extends string = never> extends AsyncDisposable {
    readonly name: string;
    readonly borrow: (options?: PromiseBorrowOptions<A, D, C>) => Promise<L>;
    readonly with: <B>(f: (object: L["object"], signal: AbortSignal) => B, options?: PromiseWithOptions<A, D, C>) => Promise<Awaited<B>>;
    readonly borrowMany: (n: number, options?: PromiseBorrowOptions<A, D, C>) => Promise<ReadonlyArray<L>>;
    readonly withMany: <B>(n: number, f: (objects: ReadonlyArray<L["object"]>, signal: AbortSignal) => B, options?: PromiseBorrowOptions<A, D, C>) => Promise<Awaited<B>>;
    readonly borrowSync: (options?: Omit<BorrowOptions<A, D, C>, "timeout">) => L;
    readonly add: (object: A, options?: PromiseAddOptions<A, D>) => Promise<PromiseAddedObject<A, D>>;
    readonly addAll: (objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => Promise<ReadonlyArray<PromiseAddedObject<A, D>>>;
    readonly addSync: (object: A, options?: PromiseAddOptions<A, D>) => PromiseAddedObject<A, D>;
    readonly addAllSync: (objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => ReadonlyArray<PromiseAddedObject<A, D>>;
    readonly remove: (object: A | PooledObject<A, D>) => boolean;
    readonly has: (object: A | PooledObject<A, D>) => boolean;
    readonly get: (object: A | PooledObject<A, D>) => PooledObject<A, D> | undefined;
    readonly detect: () => Promise<void>;
    readonly detectSync: () => void;
    readonly rest: (object: A | PooledObject<A, D>, duration: Duration.Input) => boolean;
    readonly wake: (object: A | PooledObject<A, D>) => boolean;
    readonly reconsider: (object: A | PooledObject<A, D>) => boolean;
    readonly revoke: (target: PromiseLease<A, D, unknown> | PooledObject<A, D>) => boolean;
    readonly ready: () => Promise<void>;
    readonly resize: (size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
        readonly spare?: number | undefined;
    }) => void;
    readonly rotate: () => Promise<void>;
    readonly suspend: () => void;
    readonly resume: () => void;
    readonly drain: () => Promise<void>;
    readonly stats: () => PoolStats;
    readonly objects: () => ReadonlyArray<PooledObject<A, D>>;
    readonly leases: () => ReadonlyArray<PromiseLease<A, D>>;
    readonly events: () => AsyncIterable<PoolEvent>;
    readonly close: () => Promise<void>;
}
type PoolTag<Self, A, D, E, P, C extends string = never> = Context.Service<Self, ObjectPool<A, D, E, P, C>>;
export declare const PromisePool: {
    readonly make: {
        <A, D = undefined, C extends string = never>(options: PromisePoolOptions<A, D, A, C> & {
            readonly pack?: undefined;
        } & DataRequired<NoInfer<D>>): PromisePool<A, D, PromiseLease<A, D>, C>;
        <A, D = undefined, P = A, C extends string = never>(options: PromisePoolOptions<A, D, P, C> & DataRequired<NoInfer<D>>): PromisePool<A, D, PromiseLease<A, D, P>, C>;
    };
    readonly fromLayer: {
        <Self, A, D, E, LE, C extends string = never>(tag: PoolTag<Self, A, D, E, Lease<A, D>, C>, layer: Layer.Layer<Self, LE>): Promise<PromisePool<A, D, PromiseLease<A, D>, C>>;
        <Self, A, D, E, P, LE, C extends string = never>(tag: PoolTag<Self, A, D, E, P, C>, layer: Layer.Layer<Self, LE>): Promise<PromisePool<A, D, PackedLease<P>, C>>;
    };
    readonly fromRuntime: {
        <Self, A, D, E, RE, C extends string = never>(tag: PoolTag<Self, A, D, E, Lease<A, D>, C>, runtime: ManagedRuntime.ManagedRuntime<NoInfer<Self>, RE>): Promise<PromisePool<A, D, PromiseLease<A, D>, C>>;
        <Self, A, D, E, P, RE, C extends string = never>(tag: PoolTag<Self, A, D, E, P, C>, runtime: ManagedRuntime.ManagedRuntime<NoInfer<Self>, RE>): Promise<PromisePool<A, D, PackedLease<P>, C>>;
    };
};
export declare const attempt: <B>(begin: () => Promise<B>) => Promise<B>;
export declare class Promised<A, D, E, P> implements PromisePool<A, D, PackedLease<unknown>> {
    #private;
    constructor(pool: ObjectPool<A, D, E, P>, running: Running, disposal: Effect.Effect<void> | undefined);
    get name(): string;
    borrow: (options?: PromiseBorrowOptions<A, D>) => Promise<PackedLease<unknown>>;
    borrowSync: (options?: Omit<BorrowOptions<A, D>, "timeout">) => PackedLease<unknown>;
    with: <B>(f: (object: never, signal: AbortSignal) => B, options?: PromiseWithOptions<A, D>) => Promise<Awaited<B>>;
    borrowMany: (n: number, options?: PromiseBorrowOptions<A, D>) => Promise<ReadonlyArray<PackedLease<unknown>>>;
    withMany: <B>(n: number, f: (objects: never, signal: AbortSignal) => B, options?: PromiseBorrowOptions<A, D>) => Promise<Awaited<B>>;
    add: (object: A, options?: PromiseAddOptions<A, D>) => Promise<PromiseAddedObject<A, D>>;
    addAll: (objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => Promise<ReadonlyArray<PromiseAddedObject<A, D>>>;
    addSync: (object: A, options?: PromiseAddOptions<A, D>) => PromiseAddedObject<A, D>;
    addAllSync: (objects: Iterable<A>, options?: PromiseAddOptions<A, D>) => ReadonlyArray<PromiseAddedObject<A, D>>;
    remove: (object: A | PooledObject<A, D>) => boolean;
    has: (object: A | PooledObject<A, D>) => boolean;
    get: (object: A | PooledObject<A, D>) => PooledObject<A, D> | undefined;
    detect: () => Promise<void>;
    detectSync: () => void;
    rest: (object: A | PooledObject<A, D>, duration: Duration.Input) => boolean;
    wake: (object: A | PooledObject<A, D>) => boolean;
    reconsider: (object: A | PooledObject<A, D>) => boolean;
    revoke: (target: PromiseLease<A, D, unknown> | PooledObject<A, D>) => boolean;
    ready: () => Promise<void>;
    resize: (size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
        readonly spare?: number | undefined;
    }) => void;
    rotate: () => Promise<void>;
    suspend: () => void;
    resume: () => void;
    drain: () => Promise<void>;
    stats: () => PoolStats;
    objects: () => ReadonlyArray<PooledObject<A, D>>;
    leases: () => ReadonlyArray<PromiseLease<A, D>>;
    events: () => AsyncIterable<PoolEvent>;
    close: () => Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
export {};

// PromiseVerdict.d.ts
import type * as Duration from "effect/Duration";
import type { PooledObject } from "./PooledObject.ts";
import type { Status } from "./Status.ts";
export type PromiseJudge<in A, in D> = (settled: PromiseSettledResult<unknown>, pooled: PooledObject<A, D>) => Status.Answer | undefined;
export declare const Verdict: {
    readonly outlier: (options?: {
        readonly when?: ((reason: unknown) => boolean) | undefined;
        readonly after?: number | undefined;
        readonly rest?: Duration.Input | undefined;
        readonly most?: number | undefined;
    }) => PromiseJudge<unknown, unknown>;
};

// Selector.d.ts
import type * as Effect from "effect/Effect";
import type { PooledObject } from "./PooledObject.ts";
declare const SelectorTypeId: unique symbol;
declare const AnySelectorTypeId: unique symbol;
export type Choice<A, D, R> = PooledObject<A, D> | undefined | Effect.Effect<PooledObject<A, D> | undefined, never, R>;
export interface Selector<in A, in D = unknown, out R = never> {
    readonly [SelectorTypeId]: {
        readonly _A: (_: A) => void;
        readonly _D: (_: D) => void;
        readonly _R: () => R;
    };
}
export interface AnySelector {
    readonly [AnySelectorTypeId]: typeof AnySelectorTypeId;
}
export type Select<A, D, R> = AnySelector | Selector<A, D, R> | {
    readonly weight: (pooled: PooledObject<A, D>) => number;
} | {
    readonly rank: (pooled: PooledObject<A, D>) => number;
    readonly within?: AnySelector | Selector<A, D> | undefined;
} | ((available: ReadonlyArray<PooledObject<A, D>>) => Choice<A, D, R>);
export declare const Selector: {
    readonly random: AnySelector;
    readonly roundRobin: AnySelector;
    readonly leastRecentlyUsed: AnySelector;
    readonly mostRecentlyUsed: AnySelector;
    readonly leastBorrowed: AnySelector;
    readonly mostAllowance: AnySelector;
    readonly weighted: <A, D>(weight: (pooled: PooledObject<A, D>) => number) => Selector<A, D>;
    readonly tiers: <A, D>(rank: (pooled: PooledObject<A, D>) => number, within?: AnySelector | Selector<A, D>) => Selector<A, D>;
    readonly make: <A, D, R = never>(choose: (available: ReadonlyArray<PooledObject<A, D>>) => Choice<A, D, R>) => Selector<A, D, R>;
};
export {};

// Self.d.ts
import type * as Duration from "effect/Duration";
import type * as Effect from "effect/Effect";
export interface SelfCall extends Effect.Effect<void> {
    (): void;
}
export interface Self {
    readonly invalidate: SelfCall;
    readonly rest: (duration: Duration.Input) => void;
    readonly detect: SelfCall;
}
export interface PromiseSelf {
    readonly invalidate: () => void;
    readonly rest: (duration: Duration.Input) => void;
    readonly detect: () => void;
}

// SharedLease.d.ts
import type * as DateTime from "effect/DateTime";
import type * as Duration from "effect/Duration";
import type * as Ordering from "effect/Ordering";
import * as Schema from "effect/Schema";
import type { Lease } from "./Lease.ts";
import type { PooledObject } from "./PooledObject.ts";
export interface Fence {
    readonly epoch: number;
    readonly number: number;
}
export declare const Fence: {
    readonly schema: Schema.Codec<Fence>;
    readonly compare: (first: Fence, second: Fence) => Ordering.Ordering;
};
export interface PooledPicture<out D = undefined> extends Omit<PooledObject<never, D>, "object" | "dates"> {
}
export interface HeldLease {
    readonly id: number;
    readonly objectId: number;
    readonly fence: Fence;
    readonly borrower: string | undefined;
    readonly machine: string | undefined;
    readonly class: string | undefined;
    readonly borrowedAt: DateTime.Utc;
    readonly expiresAt: DateTime.Utc | undefined;
}
export interface SharedLease<out A, out D = undefined> extends Omit<Lease<A, D>, "pooled"> {
    readonly pooled: PooledPicture<D>;
    readonly fence: Fence;
}
export interface SharedBorrowOptions<out N = never, out C extends string = never> {
    readonly timeout?: Duration.Input | undefined;
    readonly need?: N | undefined;
    readonly priority?: number | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
    readonly cost?: number | undefined;
    readonly affinity?: string | undefined;
    readonly facet?: string | undefined;
    readonly class?: C | undefined;
}
export interface SharedAddOptions<out D = undefined> {
    readonly data?: D | undefined;
    readonly leaseTimeout?: Duration.Input | undefined;
}
declare const PoolUnavailable_base: Schema.Class<PoolUnavailable, Schema.TaggedStruct<"PoolUnavailable", {
    readonly pool: Schema.String;
    readonly reason: Schema.Literals<readonly ["Unreachable", "Unauthorized", "Incompatible", "Malformed", "LeasesFull", "RequestsFull", "TooLarge"]>;
    readonly detail: Schema.String;
    readonly since: Schema.DateTimeUtcFromMillis;
}>, import("effect/Cause").YieldableError>;
export declare class PoolUnavailable extends PoolUnavailable_base {
    get message(): string;
}
export {};

// SharedPool.d.ts
import type { Sharding } from "effect/cluster/Sharding";
import * as Context from "effect/Context";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as RpcClient from "effect/rpc/RpcClient";
import type * as RpcServer from "effect/rpc/RpcServer";
import type * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import type { Claims } from "./internal/cluster/claims.ts";
import * as Runners from "./internal/cluster/runners.ts";
import * as Sockets from "./internal/cluster/sockets.ts";
import type { Lease } from "./Lease.ts";
import type { PooledObject } from "./PooledObject.ts";
import type { BorrowError, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolFull, PoolStats } from "./PoolError.ts";
import type { PoolEvent } from "./PoolEvent.ts";
import { type PoolMetricsOptions } from "./PoolMetrics.ts";
import type { Declared, PoolOptions, RememberedIn } from "./PoolOptions.ts";
import type { HeldLease, PooledPicture, PoolUnavailable, SharedAddOptions, SharedBorrowOptions, SharedLease } from "./SharedLease.ts";
export interface SharedOperations<out S, in out A, in out D, out E, in out N, in C extends string = never> {
    readonly borrow: Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>;
    readonly borrowWith: (options: SharedBorrowOptions<N, C>) => Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>;
    readonly tryBorrow: Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>;
    readonly with: <B, E1, R1>(f: (borrowed: SharedLease<A, D>) => Effect.Effect<B, E1, R1>, options?: SharedBorrowOptions<N, C>) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | PoolUnavailable, S | R1>;
    readonly add: (object: A, options?: SharedAddOptions<D>) => Effect.Effect<PooledPicture<D>, DuplicateObject | PoolFull | PoolClosed | PoolUnavailable, S>;
    readonly addAll: (objects: Iterable<A>, options?: SharedAddOptions<D>) => Effect.Effect<ReadonlyArray<PooledPicture<D>>, DuplicateObject | PoolFull | PoolClosed | PoolUnavailable, S>;
    readonly remove: (object: A | PooledPicture<D>) => Effect.Effect<boolean, PoolUnavailable, S>;
    readonly rest: (object: A | PooledPicture<D>, duration: Duration.Input) => Effect.Effect<boolean, PoolUnavailable, S>;
    readonly wake: (object: A | PooledPicture<D>) => Effect.Effect<boolean, PoolUnavailable, S>;
    readonly detect: Effect.Effect<void, PoolClosed | PoolUnavailable, S>;
    readonly stats: Effect.Effect<PoolStats, PoolUnavailable, S>;
    readonly objects: Effect.Effect<ReadonlyArray<PooledPicture<D>>, PoolUnavailable, S>;
    readonly leases: Effect.Effect<ReadonlyArray<HeldLease>, PoolUnavailable, S>;
    readonly events: Stream.Stream<PoolEvent, PoolUnavailable, S>;
    readonly resize: (size: {
        readonly min?: number | undefined;
        readonly max?: number | "Infinity" | undefined;
        readonly spare?: number | undefined;
    }) => Effect.Effect<void, InvalidPoolOptions | PoolClosed | PoolUnavailable, S>;
    readonly rotate: Effect.Effect<void, PoolClosed | PoolUnavailable, S>;
    readonly suspend: Effect.Effect<void, PoolClosed | PoolUnavailable, S>;
    readonly resume: Effect.Effect<void, PoolClosed | PoolUnavailable, S>;
    readonly drain: Effect.Effect<void, PoolClosed | PoolUnavailable, S>;
}
export interface SharedPool<in out A, in out D = undefined, out E = never, in out N = never, in C extends string = never> extends SharedOperations<never, A, D, E, N, C> {
    readonly name: string;
}
export type SharedOptions<A, D, E, N, RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never, C extends string = never> = Omit<PoolOptions<A, D, E, never, Lease<A, D>, RA, never, RS, RD, RB, RR, K>, "pack" | "classes"> & Declared<A, D, Lease<A, D>, C> & ([N] extends [never] ? {} : {
    readonly meets: (pooled: PooledObject<A, D>, need: N) => boolean;
});
export interface HostSettings {
    readonly timeToLive?: Duration.Input | undefined;
    readonly afterCut?: Duration.Input | undefined;
    readonly perBorrower?: {
        readonly leases?: number | undefined;
        readonly waiters?: number | undefined;
    } | undefined;
    readonly epoch?: Effect.Effect<number> | undefined;
    readonly metrics?: PoolMetricsOptions | undefined;
}
export interface SharedPoolClass<in out Self, in out Id extends string, in out A, in out D, in out E, in out N, in out C extends string = never> extends Context.ServiceClass<Self, Id, SharedPool<A, D, E, N, C>>, SharedOperations<Self, A, D, E, N, C> {
    readonly layer: <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C>) => Layer.Layer<Self, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>>;
    readonly layerServer: SharedServer<A, D, E, N, C>;
    readonly layerHost: <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C> & Omit<HostSettings, "epoch">) => Layer.Layer<never, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | Sharding | Claims>;
    readonly layerClient: Layer.Layer<Self, never, Sharding>;
    readonly layerRemote: Layer.Layer<Self, never, RpcClient.Protocol>;
}
export interface SharedServer<A, D, E, N, C extends string = never> {
    <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C> & HostSettings): Layer.Layer<never, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K> | RpcServer.Protocol>;
    (): Layer.Layer<never, never, RpcServer.Protocol | Sharding>;
}
export interface SharedSchemas<A, D, E, N, C extends string = never> {
    readonly object: Schema.Codec<A, unknown>;
    readonly data?: Schema.Codec<D, unknown> | undefined;
    readonly error?: Schema.Codec<E, unknown> | undefined;
    readonly need?: Schema.Codec<N, unknown> | undefined;
    readonly classes?: ReadonlyArray<C> | undefined;
}
type MissingSelf = "Missing `Self`: write `class Keys extends SharedPool.Service<Keys>()(\"app/Keys\", { object: ApiKey }) {}`";
export declare const SharedPool: {
    readonly Service: <Self = never>() => <const Id extends string, A, D = undefined, E = never, N = never, C extends string = never>(id: Id, schemas: SharedSchemas<A, D, E, N, C>) => [Self] extends [never] ? MissingSelf : SharedPoolClass<Self, Id, A, D, E, N, C>;
    readonly layerSocketServer: typeof Sockets.layerServer;
    readonly layerSocket: typeof Sockets.layerClient;
    readonly layerAccess: typeof Sockets.layerAccess;
    readonly layerPass: typeof Sockets.layerPass;
    readonly layerCluster: typeof Runners.layerCluster;
    readonly layerClusterClient: typeof Runners.layerClusterClient;
};
export {};

// Status.d.ts
import * as DateTime from "effect/DateTime";
import * as Duration from "effect/Duration";
export type Status = "Pending" | "Available" | "Borrowed" | "Dormant" | "Unknown" | "Invalid";
declare const transitions: {
    readonly Pending: readonly ["Available", "Dormant", "Unknown", "Invalid"];
    readonly Available: readonly ["Borrowed", "Pending", "Dormant", "Invalid"];
    readonly Borrowed: readonly ["Available", "Pending", "Dormant", "Invalid"];
    readonly Dormant: readonly ["Pending", "Available", "Dormant", "Invalid"];
    readonly Unknown: readonly ["Pending", "Dormant", "Invalid"];
    readonly Invalid: readonly [];
};
export declare namespace Status {
    interface Rest {
        readonly _tag: "Rest";
        readonly until: Duration.Duration | DateTime.Utc;
        readonly facet?: string | undefined;
    }
    type Moment = DateTime.DateTime | Date | number;
    type Answer = "Available" | "Dormant" | "Invalid" | "Unknown" | Rest;
    type Transitions = typeof transitions;
    type Transition = {
        [From in Status]: `${From} -> ${Transitions[From][number]}`;
    }[Status];
}
export declare const Status: {
    readonly dormant: (duration: Duration.Input, facet?: string) => Status.Rest;
    readonly dormantUntil: (moment: Status.Moment, facet?: string) => Status.Rest;
    readonly transitions: Status.Transitions;
};
export {};

// Verdict.d.ts
import * as Cause from "effect/Cause";
import type * as Duration from "effect/Duration";
import * as Exit from "effect/Exit";
import type { PooledObject } from "./PooledObject.ts";
import type { Status } from "./Status.ts";
export type Judge<in A, in D> = (exit: Exit.Exit<unknown, unknown>, pooled: PooledObject<A, D>) => Status.Answer | undefined;
export declare const Verdict: {
    readonly outlier: (options?: {
        readonly when?: ((cause: Cause.Cause<unknown>) => boolean) | undefined;
        readonly after?: number | undefined;
        readonly rest?: Duration.Input | undefined;
        readonly most?: number | undefined;
    }) => Judge<unknown, unknown>;
};

// cluster.d.ts
export { Claims } from "./internal/cluster/claims.ts";
export type { ClusterOptions, RunnerOptions } from "./internal/cluster/runners.ts";
export type { SocketOptions, SocketServerOptions } from "./internal/cluster/sockets.ts";
export { Fence, type HeldLease, type PooledPicture, PoolUnavailable, type SharedAddOptions, type SharedBorrowOptions, type SharedLease } from "./SharedLease.ts";
export { type HostSettings, type SharedOperations, type SharedOptions, SharedPool, type SharedPoolClass, type SharedSchemas, type SharedServer } from "./SharedPool.ts";

// index.d.ts
export type { Allowance, AllowanceReport, AllowanceState } from "./Allowance.ts";
export { type KeyedDeclared, type KeyedEvent, type KeyedLease, type KeyedObject, type KeyedOperations, type KeyedOptions, KeyedPool, type KeyedPoolClass, type KeyedPoolTypes, type KeyedSettings, type KeyedSize } from "./KeyedPool.ts";
export type { Lease } from "./Lease.ts";
export { ObjectPool, type Operations } from "./ObjectPool.ts";
export type { AddedObject, PooledObject } from "./PooledObject.ts";
export { type BorrowError, BorrowTimeout, ClassStats, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolExhausted, PoolFull, PoolStats } from "./PoolError.ts";
export { PoolEvent } from "./PoolEvent.ts";
export { PoolMetrics, type PoolMetricsOptions } from "./PoolMetrics.ts";
export type { AddOptions, BorrowOptions, ClassOptions, CreationOptions, DataGiven, DataRequired, Declared, DetectionOptions, PoolOptions, PoolSettings, Remember, RememberedIn, SettingsOf, WithOptions } from "./PoolOptions.ts";
export { type DeclarePool, type InferPool, type PoolClass, type PoolClassWithLayer, PoolService, type PoolTypes } from "./PoolService.ts";
export { type AnySelector, type Choice, type Select, Selector } from "./Selector.ts";
export type { Self, SelfCall } from "./Self.ts";
export { Status } from "./Status.ts";
export { type Judge, Verdict } from "./Verdict.ts";

// inspector.d.ts
import * as Effect from "effect/Effect";
import type * as HttpRouter from "effect/http/HttpRouter";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type { PooledObject } from "./PooledObject.ts";
declare const InvalidInspectorOptions_base: Schema.Class<InvalidInspectorOptions, Schema.TaggedStruct<"InvalidInspectorOptions", {
    readonly option: Schema.String;
    readonly value: Schema.String;
    readonly allowed: Schema.String;
}>, import("effect/Cause").YieldableError>;
export declare class InvalidInspectorOptions extends InvalidInspectorOptions_base {
    get message(): string;
}
export interface InspectorOptions<RD = never> {
    readonly path?: `/${string}` | undefined;
    readonly hosts?: ReadonlyArray<string> | undefined;
    readonly describe?: ((pooled: PooledObject<unknown, unknown>, pool: string) => string | Effect.Effect<string, unknown, RD>) | undefined;
    readonly describeFailure?: ((failure: unknown) => string) | undefined;
    readonly describeKey?: ((key: unknown, pool: string) => string | undefined) | undefined;
}
export type InspectorActions<R = never> = {
    readonly actions?: false | undefined;
    readonly authorize?: undefined;
} | {
    readonly actions: true;
    readonly authorize: Effect.Effect<unknown, unknown, R>;
};
export declare const Inspector: {
    readonly layerHttp: <RD = never, R = never>(options?: InspectorOptions<RD> & InspectorActions<R>) => Layer.Layer<never, never, HttpRouter.HttpRouter | RD | HttpRouter.Request.From<"Requires", Exclude<R, HttpRouter.Provided>>>;
};
export {};

// promise.d.ts
export type { Allowance, AllowanceReport, AllowanceState } from "./Allowance.ts";
export type { KeyedEvent, KeyedObject, KeyedSize } from "./KeyedPool.ts";
export { type KeyedPromiseLease, type KeyedPromiseOptions, KeyedPromisePool } from "./KeyedPromisePool.ts";
export { NotSynchronous } from "./NotSynchronous.ts";
export type { PooledObject, PromiseAddedObject } from "./PooledObject.ts";
export { type BorrowError, BorrowTimeout, ClassStats, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolExhausted, PoolFull, PoolStats } from "./PoolError.ts";
export { PoolEvent } from "./PoolEvent.ts";
export type { ClassOptions, CreationOptions, DataGiven, DataRequired, DetectionOptions, PoolSettings, Remember } from "./PoolOptions.ts";
export type { Detached, PackedLease, PromiseLease } from "./PromiseLease.ts";
export type { Awaitable, PoolLogEntry, PromiseAddOptions, PromiseBorrowOptions, PromiseCreationOptions, PromiseDetectionOptions, PromisePoolOptions, PromiseRemember, PromiseRetry, PromiseSelect, PromiseStore, PromiseWithOptions } from "./PromiseOptions.ts";
export { PromisePool } from "./PromisePool.ts";
export { type PromiseJudge, Verdict } from "./PromiseVerdict.ts";
export { type AnySelector, Selector } from "./Selector.ts";
export type { PromiseSelf } from "./Self.ts";
export { Status } from "./Status.ts";
