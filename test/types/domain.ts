/** What the type tests lend: mail sessions, and the sender accounts that they log in with. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

export interface Session {
  readonly send: (to: string) => Effect.Effect<number, Rejected>
}

export interface Account {
  readonly address: string
  readonly dailyQuota: number
}

export interface Budget {
  readonly left: number
}

export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {}) {}
export class VaultSealed extends Schema.TaggedError<VaultSealed>()("VaultSealed", {}) {}
export class LoginFailed extends Schema.TaggedError<LoginFailed>()("LoginFailed", {}) {}
export class TooManyMails extends Schema.TaggedError<TooManyMails>()("TooManyMails", { retryAfter: Schema.Int }) {}

export class Vault extends Context.Service<Vault, {
  readonly account: Effect.Effect<Account, VaultSealed>
}>()("Vault") {}

export class Inspector extends Context.Service<Inspector, {
  readonly inspect: (address: string) => Effect.Effect<boolean, Rejected>
}>()("Inspector") {}

export class Dice extends Context.Service<Dice, {
  readonly roll: (sides: number) => Effect.Effect<number>
}>()("Dice") {}

export class Signer extends Context.Service<Signer, {
  readonly sign: (address: string) => Effect.Effect<string, LoginFailed>
}>()("Signer") {}

export declare const openSession: Effect.Effect<Session, never, Scope.Scope>
export declare const leaseAccount: Effect.Effect<Account, VaultSealed, Vault | Scope.Scope>
