/**
 * What travels between a borrower and its host, the same for every pool: what is of a pool's own types travels as JSON that
 * its schemas have made, and is decoded by whoever has them.
 *
 * - `Join` opens a session: the stream lasts as long as the session does, and tells the borrower what the host does by
 *   itself. Where it ends, however it does, all leases of the session are over.
 * - `Renew` keeps the session: the borrower sends it, and reckons from when it did. It also says which sessions are over at
 *   the borrower, of which the host may not know that: of a connection that was lost, it may hear late, or not at all.
 * - `Borrow` answers with a lease; `Return` gives it back, or leaves the queue; both name it by a key of the borrower's. What
 *   is given back just before a borrow goes with that: half the messages, where a process borrows again and again.
 *
 * One stream for each session, and not one for each lease: a lease costs its host an entry in a map, a renewal renews all
 * leases of a borrower, and nothing has to be reckoned from an acknowledgement, of which nobody knows when it was sent.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcMiddleware from "effect/rpc/RpcMiddleware"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import {
  BorrowTimeout,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolExhausted,
  PoolFull,
  PoolStats
} from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import { mostName } from "./words.ts"

/** Raised with every change that an older host or borrower would not understand. */
export const version = 2

/** The most characters of what a borrower may name. */
const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))
const Key = Schema.Int.check(Schema.isGreaterThan(0))
const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
/** Milliseconds; `null`: without end. */
const Endless = Schema.NullOr(Millis)

/**
 * Why a host does not do what it was asked for.
 *
 * `Unproven`: it may do so again later. `NoSession`: it knows no such session, or not any more. `Stopping`: go on to the
 * next host. `Unserved`: it has no such pool, or a store that does not answer. `Malformed`: what its own schemas do not encode
 * or decode. `LeasesFull`, `RequestsFull`: the session has as many as it may have.
 */
export const Refusal = Schema.TaggedStruct("Refusal", {
  reason: Schema.Literals([
    "Unauthorized",
    "Incompatible",
    "NoSession",
    "Stopping",
    "Unproven",
    "Unserved",
    "Malformed",
    "LeasesFull",
    "RequestsFull"
  ]),
  detail: Schema.String
})
export type Refusal = typeof Refusal.Type

export const refusal = (reason: Refusal["reason"], detail: string): Refusal => ({ _tag: "Refusal", reason, detail })

/** What `acquire` has failed with, by the pool's schema. */
const Failed = Schema.TaggedStruct("Failed", { error: Schema.Json })
/** A defect of the host's: what it says may be a secret, and is in the host's own log. */
const Died = Schema.TaggedStruct("Died", {})

const Failure = Schema.Union([
  PoolExhausted,
  BorrowTimeout,
  PoolClosed,
  PoolFull,
  LeaseExpired,
  DuplicateObject,
  InvalidPoolOptions,
  Refusal,
  Failed,
  Died
])
export type Failure = typeof Failure.Type

/** A picture of an object's record; times in milliseconds since 1970. */
const Picture = Schema.Struct({
  id: Natural,
  status: Schema.Literals(["Pending", "Available", "Borrowed", "Dormant", "Unknown", "Invalid"]),
  data: Schema.optionalKey(Schema.Json),
  addedAt: Schema.Finite,
  detectedAt: Schema.optionalKey(Schema.Finite),
  borrowedAt: Schema.optionalKey(Schema.Finite),
  releasedAt: Schema.optionalKey(Schema.Finite),
  wakesAt: Schema.optionalKey(Schema.Finite),
  borrowCount: Natural,
  leases: Natural,
  failures: Natural,
  facets: Schema.optionalKey(Schema.Array(
    Schema.Struct({ name: Schema.String, until: Schema.optionalKey(Schema.Finite) })
  )),
  allowances: Schema.optionalKey(Schema.Array(Schema.Struct({
    name: Schema.String,
    unit: Schema.Literals(["leases", "cost"]),
    limit: Schema.Finite,
    left: Schema.Finite,
    fullAt: Schema.optionalKey(Schema.Finite)
  })))
})
export type Picture = typeof Picture.Type

const Held = Schema.Struct({
  id: Natural,
  objectId: Natural,
  epoch: Schema.Int,
  borrower: Schema.optionalKey(Schema.String),
  machine: Schema.optionalKey(Schema.String),
  class: Schema.optionalKey(Schema.String),
  borrowedAt: Schema.Finite,
  expiresAt: Schema.optionalKey(Schema.Finite)
})
export type Held = typeof Held.Type

/** What a host tells the borrowers of a session by itself. */
const Notice = Schema.TaggedUnion({
  Welcome: {
    epoch: Schema.Int,
    timeToLive: Millis,
    borrowTimeout: Endless,
    /** How many characters of a message the host takes; absent: nobody knows. */
    mostText: Schema.optionalKey(Natural),
    /** The classes that a borrower may name; absent: none, or the host is too old to know of any. */
    classes: Schema.optionalKey(Schema.Array(Schema.String)),
    stats: PoolStats
  },
  /** A lease was ended by the host: its borrower is to say when it uses the object no more. */
  Over: { key: Key, reason: Schema.Literals(["Expired", "Revoked", "Closed"]), stats: PoolStats },
  /** The host grants nothing more. */
  Stopping: {}
})
export type Notice = typeof Notice.Type

const Granted = Schema.Struct({
  object: Schema.Json,
  leaseId: Key,
  pooled: Picture,
  /** Milliseconds from the request's arrival to the grant: by them a borrower knows when that was, at the earliest. */
  waited: Millis,
  /** The lease time-out in milliseconds, as the borrower has to keep it. */
  lasts: Schema.optionalKey(Millis)
})
export type Granted = typeof Granted.Type

const Ask = Schema.Struct({
  /** `false`: it never queues. */
  queues: Schema.Boolean,
  timeout: Schema.optionalKey(Endless),
  priority: Schema.optionalKey(Schema.Finite),
  leaseTimeout: Schema.optionalKey(Endless),
  cost: Schema.optionalKey(Millis),
  affinity: Schema.optionalKey(text(mostName)),
  facet: Schema.optionalKey(text(mostName)),
  /** One of those that the host has named: of an older one, it would be lost on the way. */
  class: Schema.optionalKey(text(mostName)),
  need: Schema.optionalKey(Schema.Json)
})
export type Ask = typeof Ask.Type

/** How the use of an object has ended, for the host's `judge`. `Expired`: its time was over at the borrower, which is first. */
const Outcome = Schema.Struct({
  ended: Schema.Literals(["Success", "Interrupt", "Fail", "Die", "Expired"]),
  tag: Schema.optionalKey(text(mostName)),
  message: Schema.optionalKey(text(1024))
})
export type Outcome = typeof Outcome.Type

/** What is given back. A key that the host does not know, or no more, is nothing to it. */
const Returned = Schema.Struct({ key: Key, outcome: Outcome })
export type Returned = typeof Returned.Type

const Act = Schema.TaggedUnion({
  Invalidate: {},
  Rest: { duration: Endless, facet: Schema.optionalKey(text(mostName)) },
  Charge: { cost: Schema.Finite, name: Schema.optionalKey(text(mostName)) },
  Report: {
    name: Schema.optionalKey(text(mostName)),
    remaining: Schema.optionalKey(Schema.Finite),
    resetsIn: Schema.optionalKey(Millis)
  },
  Recount: {},
  Renew: {},
  Detach: {}
})
export type Act = typeof Act.Type

const Target = Schema.TaggedUnion({ Id: { id: Natural }, Object: { object: Schema.Json } })
export type Target = typeof Target.Type

const Operation = Schema.TaggedUnion({
  Add: {
    objects: Schema.Array(Schema.Json),
    data: Schema.optionalKey(Schema.Json),
    leaseTimeout: Schema.optionalKey(Endless)
  },
  Remove: { target: Target },
  Rest: { target: Target, duration: Endless },
  Wake: { target: Target },
  Detect: {},
  Stats: {},
  Objects: {},
  Leases: {},
  Resize: {
    min: Schema.optionalKey(Natural),
    max: Schema.optionalKey(Schema.NullOr(Natural)),
    spare: Schema.optionalKey(Natural)
  },
  Rotate: {},
  Suspend: {},
  Resume: {},
  Drain: {}
})
export type Operation = typeof Operation.Type

/** What an operation is answered with. */
const Answer = Schema.Union([Schema.Boolean, Schema.Null, PoolStats, Schema.Array(Picture), Schema.Array(Held)])
export type Answer = typeof Answer.Type

/** Which session of which pool. The name of the pool says whom the server asks; the session is a borrower's secret. */
const whose = { pool: text(1024), session: text(64) }

const joining = Schema.Struct({
  ...whose,
  version: Schema.Finite,
  fingerprint: text(64),
  /** What the borrower calls itself, and its machine. */
  borrower: text(mostName),
  machine: Schema.optionalKey(text(mostName))
})
export type Joining = typeof joining.Type

/** How many sessions that are over a renewal says. */
export const mostOver = 8

export const Protocol = RpcGroup.make(
  Rpc.make("Join", { payload: joining, success: Notice, error: Failure, stream: true }),
  Rpc.make("Renew", {
    payload: { ...whose, over: Schema.optionalKey(Schema.Array(text(64)).check(Schema.isMaxLength(mostOver))) },
    error: Failure
  }),
  Rpc.make("Borrow", {
    payload: { ...whose, key: Key, ask: Ask, returned: Schema.optionalKey(Schema.Array(Returned)) },
    success: Granted,
    error: Failure
  }),
  Rpc.make("Return", { payload: { ...whose, returned: Schema.Array(Returned) }, error: Failure }),
  Rpc.make("Act", { payload: { ...whose, key: Key, act: Act }, error: Failure }),
  Rpc.make("Operate", { payload: { ...whose, operation: Operation }, success: Answer, error: Failure }),
  Rpc.make("Watch", { payload: whose, success: PoolEvent, error: Failure, stream: true })
)

export type Rpcs = RpcGroup.Rpcs<typeof Protocol>

/** The payload of a request. */
type Asked<Tag extends Rpcs["_tag"]> = Rpc.Payload<Rpc.ExtractTag<Rpcs, Tag>>

/** What whoever serves a pool does for its borrowers: a host, or a gateway that passes it all on to one. */
export interface Serving {
  /** `connection` tells one connection from another; `undefined`: nobody knows by which it came. */
  readonly Join: (
    asked: Asked<"Join">,
    connection: number | undefined
  ) => Effect.Effect<Queue.Dequeue<Notice, Failure | Cause.Done>, Failure, Scope.Scope>
  readonly Renew: (asked: Asked<"Renew">) => Effect.Effect<void, Failure>
  readonly Borrow: (asked: Asked<"Borrow">) => Effect.Effect<Granted, Failure>
  readonly Return: (asked: Asked<"Return">) => Effect.Effect<void, Failure>
  readonly Act: (asked: Asked<"Act">) => Effect.Effect<void, Failure>
  readonly Operate: (asked: Asked<"Operate">) => Effect.Effect<Answer, Failure>
  readonly Watch: (asked: Asked<"Watch">) => Stream.Stream<PoolEvent, Failure>
}

/** Lets nobody by who does not show the token. It says why by the failure that every answer may be. */
export class Authentication
  extends RpcMiddleware.Service<Authentication>()("effect-object-pool/cluster/Authentication", { error: Refusal })
{}

/** The protocol where its server looks at the token of each request. */
export const Guarded = Protocol.middleware(Authentication)
