/**
 * What looks at a pool from outside: a metric registry, a parser of Prometheus text, a collector of OTLP/JSON, a tracer.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { spawnSync } from "node:child_process"
import { createServer } from "node:http"
import type { ObjectPool, PoolEvent } from "../../src/index.ts"
import { start } from "../support/borrowers.ts"

/** Gives a program a metric registry of its own. */
export const ownRegistry = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(program, Metric.MetricRegistry, new Map()))

/** What tells the series of one name apart, beside the pool. */
const kinds = ["state", "reason", "verdict", "allowance", "object", "key"]

/** The gauges and counters, by name and kind. */
export const series = Effect.map(
  Metric.snapshot,
  (snapshots) =>
    Object.fromEntries(snapshots.flatMap(({ attributes, id, state }) => {
      const name = [id, ...kinds.flatMap((kind) => attributes?.[kind] ?? [])].join(" ")
      if ("value" in state) return [[name, state.value]]
      return "count" in state && !("sum" in state) ? [[name, state.count]] : []
    }))
)

/** How many of a histogram took how long, in seconds: by the upper bound of their bucket. */
export const histogram = (name: string) =>
  Effect.map(Metric.snapshot, (snapshots) => {
    const found = snapshots.find((snapshot) => snapshot.id === name)
    assert(found?.type === "Histogram", `there is no histogram ${name}`)
    const { buckets, count, max, min, sum } = found.state
    const counts: Record<string, number> = {}
    let below = 0
    for (const [bound, upTo] of [...buckets, [Infinity, count] as const]) {
      if (upTo > below) counts[bound] = upTo - below
      below = upTo
    }
    return { counts, count, sum, min, max }
  })

/** One sample of a text exposition. */
interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric family of a text exposition. */
export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: Array<Sample>
}

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"]
}

/**
 * Reads the text exposition format 0.0.4, and accepts nothing that is not in it: each family in one block, with its help
 * and type before its samples, no sample twice, no name without a type, a newline at the end.
 */
export const parsePrometheus = (text: string): Map<string, Family> => {
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  assert(text.endsWith("\n"), "the last line ends with a newline")
  let help: { readonly name: string; readonly text: string } | undefined
  let open: { readonly name: string; readonly family: Family } | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (comment?.[1] === "HELP") {
      help = { name: comment[2]!, text: comment[3]! }
    } else if (comment !== null) {
      const name = comment[2]!
      assert(!families.has(name), `${name} has one block`)
      assert(help?.name === name, "help comes before type")
      assert.property(suffixes, comment[3]!, `the type of ${name}`)
      open = { name, family: { type: comment[3]!, help: help.text, samples: [] } }
      families.set(name, open.family)
    } else {
      const sample = parseSample(line)
      assert(open !== undefined, "a type comes before its samples")
      assert.include(suffixes[open.family.type]!.map((suffix) => open!.name + suffix), sample.name)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).map(String).sort()])
      assert(!seen.has(key), `${line} comes once`)
      seen.add(key)
      open.family.samples.push(sample)
    }
  }
  return families
}

const parseSample = (line: string): Sample => {
  const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  assert(found !== null, `no sample: ${line}`)
  const labels: Record<string, string> = {}
  let rest = found[2] ?? ""
  while (rest !== "") {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/.exec(rest)
    assert(label !== null, `no labels: ${line}`)
    assert.notProperty(labels, label[1]!)
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, c: string) => c === "n" ? "\n" : c)
    rest = rest.slice(label[0].length)
  }
  const value = found[3] === "+Inf" ? Infinity : Number(found[3])
  assert(!Number.isNaN(value), `no number: ${line}`)
  return { name: found[1]!, labels, value }
}

/**
 * What is said against the names of a text exposition: the rules of `promtool check metrics` that effect's exporter leaves
 * to whoever names a metric; and by `promtool` itself, where there is one.
 */
export const complaints = (text: string): ReadonlyArray<string> => {
  const said: Array<string> = []
  for (const [name, { help, samples, type }] of parsePrometheus(text)) {
    const rules: ReadonlyArray<readonly [holds: boolean, rule: string]> = [
      [help.trim() !== "", "has a help"],
      [(type === "counter") === name.endsWith("_total"), "is a counter if it ends in _total, and ends so if it is one"],
      [!/_(count|sum|bucket|info)$/.test(name), "does not end as a part of a histogram"],
      [!new RegExp(`_${type}(_|$)`).test(name), "does not say its kind"],
      [!/_(s|ms|us|ns|sec|secs|millis|milliseconds|minutes|hours|kb|mb|kib|mib)(_|$)/.test(name), "is in base units"],
      [/^[a-z0-9_]+$/.test(name), "is in snake case"],
      [
        samples.every(({ labels }) => Object.keys(labels).every((label) => /^[a-z0-9_]+$/.test(label))),
        "so is a label"
      ],
      [type === "histogram" || samples.every(({ labels }) => !("le" in labels)), "has no `le` of a histogram"]
    ]
    for (const [holds, rule] of rules) if (!holds) said.push(`${name} ${rule}`)
  }
  const { error, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" })
  return error === undefined ? [...said, ...`${stdout}${stderr}`.split("\n").filter((line) => line !== "")] : said
}

/** A server that takes what an OTLP exporter posts, by path. */
export const collector = Effect.gen(function*() {
  const received: Array<{ readonly path: string; readonly body: unknown }> = []
  const server = createServer()
  const take = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    assert.strictEqual(request.headers["content-type"], "application/json")
    received.push({ path: request.url, body: yield* request.json })
    return HttpServerResponse.jsonUnsafe({ partialSuccess: {} })
  })
  const routes = HttpRouter.add("POST", "/v1/*", take)
  yield* Layer.build(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
    )
  )
  const address = server.address()
  assert(address !== null && typeof address === "object")
  return { url: `http://127.0.0.1:${address.port}`, received }
})

/** A tracer that keeps every span, and what was written on one after its end. */
export const tracer = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tardy: Array<string> = []
  class Kept extends Tracer.NativeSpan {
    override attribute(key: string, value: unknown): void {
      if (this.status._tag === "Ended") tardy.push(key)
      super.attribute(key, value)
    }
  }
  return {
    spans,
    tardy,
    tracer: Tracer.make({
      span: (options) => {
        const span = new Kept(options)
        spans.push(span)
        return span
      }
    }),
    named: (name: string) => spans.filter((span) => span.name === name)
  }
}

interface Line {
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** Every line that is logged by what is built and run within, with its annotations. */
export const annotated = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ fiber, message }) => {
    lines.push({
      message: String(Array.isArray(message) ? message[0] : message),
      annotations: fiber.getRef(References.CurrentLogAnnotations)
    })
  })
  return {
    lines,
    within: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger]))
  }
}

/** Every event of one kind, from now on. */
export const hear = <A, D, E, P, Tag extends PoolEvent["_tag"]>(pool: ObjectPool<A, D, E, P>, tag: Tag) =>
  Effect.gen(function*() {
    const heard: Array<Extract<PoolEvent, { readonly _tag: Tag }>> = []
    yield* start(Stream.runForEach(pool.events, (event) =>
      Effect.sync(() => {
        if (event._tag === tag) heard.push(event as Extract<PoolEvent, { readonly _tag: Tag }>)
      })))
    return heard
  })
