/**
 * Looks into the pools of this process from a browser: one page, live, mounted in any Effect HTTP server.
 *
 * **When to use**
 *
 * Use to see what the pools of a running program do, and what is wrong with them.
 *
 * **Details**
 *
 * The page shows every pool of the process that is not closed: its objects by status, with age, uses, holder and the time
 * that is left of the lease; what is left of its allowances, when it is back, and why it rests; who waits, and how long;
 * borrows, waits and time-outs of the last 5 minutes; the last events. Pools by key are shown as one, with those of its keys
 * for which most wait, or that have most. It loads nothing from elsewhere.
 *
 * Nothing is paid while nobody looks. The first look starts one sampler for all who look, and listens to the pools; it ends
 * when nobody has looked for 5 minutes. So the history begins with the first look, and survives a reload.
 *
 * What it shows are counts, times and ids: of objects only what `describe` says, of failures only their code, tag or name.
 *
 * **Gotchas**
 *
 * Whoever reaches the path can read the page, as with any route: put it behind your own middleware, or a server that
 * listens on `127.0.0.1`.
 *
 * @module effect-object-pool/inspector
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { namedHost } from "./internal/inspection/hosts.ts"
import { routes } from "./internal/inspection/http.ts"
import { Hub, type HubOptions } from "./internal/inspection/hub.ts"
import { nameOfFailure } from "./internal/inspection/words.ts"
import { nameOfKey } from "./internal/watching/keys.ts"
import type { PooledObject } from "./PooledObject.ts"

/**
 * An option of the inspector that makes no sense: which, what it was, what is allowed.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidInspectorOptions extends Schema.TaggedError<InvalidInspectorOptions>()("InvalidInspectorOptions", {
  option: Schema.String,
  value: Schema.String,
  allowed: Schema.String
}) {
  override get message(): string {
    return `Inspector: option \`${this.option}\` is ${this.value}; allowed: ${this.allowed}`
  }
}

/**
 * What is shown.
 *
 * @category options
 * @since 0.1.0
 */
export interface InspectorOptions<RD = never> {
  /**
   * Where the page is.
   *
   * @default `"/pools"`
   */
  readonly path?: `/${string}` | undefined
  /**
   * Further names by which the server may be asked, each without a scheme or a port, as in `["pools.example.com"]`: behind
   * a proxy, the name that the proxy is asked by. Requests with another `Host` are refused with a 403, whatever their
   * port, since a page of another site may have its own name lead to this server. Always accepted are the address that
   * the server listens at (any address, where it listens at all of them), `localhost`, `127.0.0.1` and `[::1]`.
   */
  readonly hosts?: ReadonlyArray<string> | undefined
  /**
   * What is said of an object, as text: without it there is only its id. It is asked for a few objects at a time, again
   * after 10 seconds, and has a second to answer. What does not end is asked again only when it has ended.
   */
  readonly describe?:
    | ((pooled: PooledObject<unknown, unknown>, pool: string) => string | Effect.Effect<string, unknown, RD>)
    | undefined
  /**
   * What is said of a failure of `acquire`, a detector or a finalizer: without it its code, tag or name, since a message
   * may hold a password. A code is shown only if it is a number, or looks like a constant, a word, or a code of SQL.
   */
  readonly describeFailure?: ((failure: unknown) => string) | undefined
  /**
   * What a key is called, in a pool of many keys; where it says nothing, the key has a number. Without it, keys are shown
   * that are numbers, or texts of up to 24 letters, digits and `_ . : -`: any other may be a secret.
   */
  readonly describeKey?: ((key: unknown, pool: string) => string | undefined) | undefined
}

/**
 * What may be changed: nothing, unless `actions` is `true`.
 *
 * @category options
 * @since 0.1.0
 */
export type InspectorActions<R = never> =
  | { readonly actions?: false | undefined; readonly authorize?: undefined }
  | {
    /** Whoever is authorized may rotate, resize, suspend, resume and detect, and destroy single objects. */
    readonly actions: true
    /**
     * Runs for each request that changes something, and fails to refuse it. It sees the `HttpServerRequest`. A failure
     * that is a response, or knows one, is the answer; any other is a 403.
     */
    readonly authorize: Effect.Effect<unknown, unknown, R>
  }

/**
 * Looks into the pools of this process.
 *
 * **Example** (A server that shows its pools)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServer } from "effect/http"
 * import { Inspector } from "effect-object-pool/inspector"
 *
 * const { dispose, handler } = HttpRouter.toWebHandler(
 *   Inspector.layerHttp({ path: "/pools" }).pipe(Layer.provide(HttpServer.layerServices)),
 *   { disableLogger: true }
 * )
 * const page = await handler(new Request("http://localhost/pools"))
 *
 * page.headers.get("content-type") // => "text/html; charset=utf-8"
 *
 * await page.text()
 * await dispose()
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const Inspector: {
  /**
   * Adds the page, and what it needs, to the router.
   *
   * `GET path` is the page, `path/events` its stream of frames, `path/snapshot` one frame as JSON. With `actions: true`
   * there is `POST path/actions`: it wants the token that is in the page, the origin of the page, and what `authorize`
   * wants. What `describe` needs is needed when the layer is built; what `authorize` needs, by each request. A path or a
   * host that is none, an option that there is not, or `actions` without `authorize`, are a defect, an
   * `InvalidInspectorOptions`.
   *
   * A path is answered as it is written, with or without one slash at its end. The pools are looked at 4 times a second at
   * most, however many ask. Of all pools together a frame has 1 000 000 characters of pictures, of one pool 1000 objects
   * in detail, of one object 10 leases; of what does not fit there are letters, or the number. Up to 32 clients read frames
   * at once, and 32 snapshots; more get a 503. Who has not taken an answer after 10 seconds is disconnected.
   *
   * A server of Node that closes is held up for half a second at most by those who look; one of another runtime, which does
   * not say that it closes, until a stream of frames ends, which lasts 4 seconds.
   */
  readonly layerHttp: <RD = never, R = never>(
    options?: InspectorOptions<RD> & InspectorActions<R>
  ) => Layer.Layer<
    never,
    never,
    HttpRouter.HttpRouter | RD | HttpRouter.Request.From<"Requires", Exclude<R, HttpRouter.Provided>>
  >
} = {
  layerHttp: <RD, R>(options: InspectorOptions<RD> & InspectorActions<R> = {}) =>
    Layer.effectDiscard(Effect.gen(function*() {
      const { authorize, hosts, path } = checked(options)
      const context = yield* Effect.context<RD>()
      const hub = new Hub(
        {
          actions: authorize !== undefined,
          // run with the context of the layer, which has what it needs
          describe: (options.describe ?? (() => "")) as HubOptions["describe"],
          describeFailure: options.describeFailure ?? nameOfFailure,
          describeKey: options.describeKey ?? nameOfKey
        },
        yield* Clock.Clock,
        Context.omit(Scope.Scope, Tracer.ParentSpan)(context) as Context.Context<never>
      )
      yield* Effect.addFinalizer(() => hub.close)
      yield* routes({ path, hosts, hub, authorize })
    }))
}

const known = ["path", "hosts", "describe", "describeFailure", "describeKey", "actions", "authorize"]

const checked = <RD, R>(options: InspectorOptions<RD> & InspectorActions<R>) => {
  const { actions = false, authorize, describe, describeFailure, describeKey, hosts = [], path = "/pools" } = options
  refuseUnknown(options)
  if (typeof path !== "string" || !/^\/[^:*?#]*$/.test(path)) {
    refuse("path", show(path), "a path that begins with /, without : * ? #")
  }
  const names = named(hosts)
  if (typeof actions !== "boolean") refuse("actions", show(actions), "true or false")
  if (actions && !Effect.isEffect(authorize)) {
    refuse("authorize", kindOf(authorize), "with `actions: true` an effect that fails to refuse a request")
  }
  refuseNoFunctions({ describe, describeFailure, describeKey })
  return { path: path.replace(/\/+$/, ""), hosts: names, authorize: actions ? authorize : undefined }
}

const refuseUnknown = (options: object): void => {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) refuse(option, "given", `only ${known.join(", ")}`)
  }
}

const named = (hosts: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!Array.isArray(hosts)) refuse("hosts", show(hosts), "an array of host names")
  return hosts.map((host) => namedHost(host) ?? refuse("hosts", show(host), "host names, without scheme or port"))
}

const refuseNoFunctions = (options: Record<string, unknown>): void => {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== "function") refuse(option, kindOf(value), "a function")
  }
}

const refuse = (option: string, value: string, allowed: string): never => {
  throw new InvalidInspectorOptions({ option, value, allowed })
}

const show = (value: unknown): string => typeof value === "string" ? JSON.stringify(value) : kindOf(value)

/** What it is, and not its value: it may be a secret where a function is asked for. */
const kindOf = (value: unknown): string =>
  value === undefined || value === null ? String(value) : Array.isArray(value) ? "an array" : `of type ${typeof value}`
