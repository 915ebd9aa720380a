/** What a gateway is told: by the environment, or by the program that starts it. */
import { Config, Context, Duration, Effect, Layer, Schema } from "effect"

const Count = Schema.Int.check(Schema.isGreaterThan(0))

const Port = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 65535 }))

/** One key of a provider. Its limits are those of one window. */
const Key = Schema.Struct({
  /** What people see of it. */
  name: Schema.String,
  secret: Schema.String,
  /** The lowest is used first. */
  tier: Schema.optionalKey(Schema.Int),
  requests: Schema.optionalKey(Count),
  tokens: Schema.optionalKey(Count)
})
export type Key = typeof Key.Type

export interface Settings {
  /** 0 is any port that is free. */
  readonly port: number
  /** Where the provider is, as an OpenAI client is told: `https://api.openai.com/v1`. */
  readonly url: string
  readonly keys: ReadonlyArray<Key>
  /** The time that the limits of the keys are for. */
  readonly window: Duration.Duration
  /** The most tokens that one request may cost. */
  readonly largest: number
  /** How many requests may be under way with one key. */
  readonly concurrency: number
  /** How long a client waits for a key, before it is told when to come again. */
  readonly patience: Duration.Duration
  /** How long a provider may say nothing. */
  readonly silence: Duration.Duration
  /** After so many failures in a row a key rests, and for so long, at first. */
  readonly failures: number
  readonly rest: Duration.Duration
  /** The folder that outlives the process; empty: none does. */
  readonly store: string
}

const positive = (name: string) =>
  Config.schema(Schema.NumberFromString.check(Schema.isInt(), Schema.isGreaterThan(0)), name)
const orElse = <A>(config: Config.Config<A>, value: NoInfer<A>) => Config.withDefault(config, value)

const fromEnvironment = Config.all({
  port: orElse(Config.schema(Port, "PORT"), 3000),
  url: Config.map(Config.schema(Schema.URLFromString, "GATEWAY_URL"), ({ href }) => href.replace(/\/$/, "")),
  keys: Config.schema(Schema.fromJsonString(Schema.NonEmptyArray(Key)), "GATEWAY_KEYS"),
  window: orElse(Config.Duration("GATEWAY_WINDOW"), Duration.minutes(1)),
  largest: orElse(positive("GATEWAY_LARGEST"), 8000),
  concurrency: orElse(positive("GATEWAY_CONCURRENCY"), 32),
  patience: orElse(Config.Duration("GATEWAY_PATIENCE"), Duration.seconds(5)),
  silence: orElse(Config.Duration("GATEWAY_SILENCE"), Duration.seconds(60)),
  failures: orElse(positive("GATEWAY_FAILURES"), 3),
  rest: orElse(Config.Duration("GATEWAY_REST"), Duration.seconds(10)),
  store: orElse(Config.String("GATEWAY_STORE"), "")
})

export class GatewaySettings extends Context.Service<GatewaySettings, Settings>()("llmGateway/Settings") {
  static readonly fromEnvironment = Layer.effect(GatewaySettings, Effect.suspend(() => fromEnvironment))
}
