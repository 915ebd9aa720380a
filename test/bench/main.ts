/**
 * `npm run bench`: measures the pools side by side, and prints a table for each case; `-- --case contended` one of them;
 * `-- --svg` draws charts of some as well, and writes all tables into a page beside them.
 *
 * Each table is measured in a process of its own, so that none inherits what another has made of V8's feedback.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, FileSystem, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { cases } from "./cases.ts"
import type { Row } from "./harness.ts"
import { chart } from "./svg.ts"
import { markdown } from "./table.ts"
import { caption, headline } from "./versions.ts"

const flags = ["--expose-gc", "--no-warnings"]
const charts = fileURLToPath(new URL("../../docs/bench/", import.meta.url))

/** Measures one table in a process of its own. */
const measured = (name: string, at: number) =>
  Effect.promise((signal) => {
    const args = [...flags, fileURLToPath(import.meta.url), "--case", name, "--at", `${at}`, "--json"]
    return promisify(execFile)(process.execPath, args, { signal, maxBuffer: 1e8 })
  }).pipe(Effect.map(({ stdout }) => JSON.parse(rowsIn(stdout)) as ReadonlyArray<Row>))

/** What is measured may log, too. */
const rowsIn = (stdout: string) => stdout.split("\n").find((line) => line.startsWith("[{"))!

const write = Effect.fnUntraced(function*(file: string, content: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(charts, { recursive: true })
  yield* files.writeFileString(`${charts}${file}`, content)
})

const draw = Effect.fnUntraced(function*(name: string, at: number, rows: ReadonlyArray<Row>) {
  const table = cases[name]![at]!
  if (table.chart !== undefined) yield* write(`${table.chart}.svg`, chart(table, rows, yield* caption))
})

const bench = Command.make("bench", {
  case: Flag.Literals("case", Object.keys(cases)).pipe(Flag.withDescription("One case alone"), Flag.optional),
  at: Flag.Int("at").pipe(Flag.withDescription("One table of the case alone, in this process"), Flag.optional),
  json: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withDescription("With --at: the figures instead of the table")
  ),
  svg: Flag.Boolean("svg").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Draw charts, and write the tables, into docs/bench")
  )
}, ({ at, case: which, json, svg }) =>
  Effect.gen(function*() {
    const name = Option.getOrUndefined(which)
    const index = Option.getOrUndefined(at)
    if (name !== undefined && index !== undefined) {
      const table = cases[name]![index]!
      const rows = yield* Effect.promise(table.measure)
      yield* Console.log(json ? JSON.stringify(rows) : markdown(table, rows))
      return yield* Effect.sync(() => process.exit(0))
    }
    const page = ["# The benchmark, as `npm run bench -- --svg` printed it\n"]
    const print = (text: string) => {
      page.push(text)
      return Console.log(text)
    }
    yield* print(`${yield* headline}\n`)
    for (const each of name === undefined ? Object.keys(cases) : [name]) {
      for (let i = 0; i < cases[each]!.length; i++) {
        const rows = yield* measured(each, i)
        yield* print(markdown(cases[each]![i]!, rows))
        if (svg) yield* draw(each, i, rows)
      }
    }
    if (svg) yield* write("README.md", page.join("\n"))
  }))

Command.run(bench, { version: "0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
