/** The gateway of `examples/llmGateway`, in a process of its own, before a stand-in for a provider that the test can look into. */
import { Effect, ManagedRuntime } from "effect"
import { HttpServer } from "effect/http"
import OpenAI from "openai"
import { Accounts, StandIn, type StandInOptions } from "../../examples/llmGateway/standIn.ts"
import type { Account } from "../../examples/llmGateway/standIn/account.ts"
import { type Running, startBundle } from "./example.ts"

export interface Provider {
  readonly url: string
  readonly account: (secret: string) => Account
  readonly accounts: ReadonlyArray<Account>
  readonly close: () => Promise<void>
}

export const startProvider = async (
  keys: StandInOptions["keys"],
  options: Partial<Omit<StandInOptions, "keys">> = {}
): Promise<Provider> => {
  const runtime = ManagedRuntime.make(StandIn({ window: "2 seconds", pace: "5 millis", ...options, keys }))
  const address = await runtime.runPromise(HttpServer.addressFormattedWith(Effect.succeed))
  const accounts = await runtime.runPromise(Accounts)
  return {
    url: `${address}/v1`,
    account: (secret) => accounts.get(secret)!,
    accounts: [...accounts.values()],
    close: () => runtime.dispose()
  }
}

export interface Gateway extends Running {
  /** Without the path of the API. */
  readonly address: string
  /** OpenAI's own client. It does not try again unless it is told to. */
  readonly client: (options?: { readonly maxRetries?: number; readonly fetch?: typeof fetch }) => OpenAI
  readonly pool: () => Promise<PoolOfKeys>
  /** Ends it as an operator does. */
  readonly stop: () => Promise<void>
}

export interface PoolOfKeys {
  readonly stats: { readonly leases: number; readonly waiting: number; readonly size: number }
  readonly keys: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly failures: number
    readonly borrowCount: number
    readonly meanMillis: number
    readonly wakesAt?: string
    readonly facets: ReadonlyArray<{ readonly name: string }>
    readonly allowances: ReadonlyArray<{ readonly name: string; readonly limit: number; readonly left: number }>
  }>
}

export interface GatewayKey {
  readonly name: string
  readonly secret: string
  readonly tier?: number
  readonly requests?: number
  readonly tokens?: number
}

export const startGateway = async (
  provider: Pick<Provider, "url">,
  keys: ReadonlyArray<GatewayKey>,
  env: Readonly<Record<string, string>> = {}
): Promise<Gateway> => {
  const running = startBundle("llmGateway", {
    env: {
      PATH: process.env["PATH"],
      PORT: "0",
      GATEWAY_URL: provider.url,
      GATEWAY_KEYS: JSON.stringify(keys),
      GATEWAY_WINDOW: "2 seconds",
      GATEWAY_LARGEST: "400",
      ...env
    }
  })
  await running.printed(/http:\/\/[\d.]+:\d+\D/)
  const address = /http:\/\/[\d.:]+/.exec(running.stdout())![0]
  return {
    ...running,
    address,
    client: (options) =>
      new OpenAI({ baseURL: `${address}/v1`, apiKey: "none of the provider's", maxRetries: 0, ...options }),
    pool: async () => await (await fetch(`${address}/pool`)).json() as PoolOfKeys,
    stop: async () => {
      running.kill("SIGTERM")
      await running.ended
    }
  }
}
