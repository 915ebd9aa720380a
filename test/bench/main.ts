/**
 * `npm run bench`: measures the pools side by side, and prints a table for each case; `-- --case contended` one of them.
 *
 * Each table is measured in a process of its own, so that none inherits what another has made of V8's feedback.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { execFile } from "node:child_process"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { cases } from "./cases.ts"
import { markdown } from "./table.ts"

const flags = ["--expose-gc", "--no-warnings"]

/** Measures one table in a process of its own. */
const measured = (name: string, at: number) =>
  Effect.promise((signal) =>
    promisify(execFile)(process.execPath, [...flags, fileURLToPath(import.meta.url), "--case", name, "--at", `${at}`], {
      signal,
      maxBuffer: 1e8
    })
  ).pipe(Effect.map(({ stdout }) => stdout))

const bench = Command.make("bench", {
  case: Flag.Literals("case", Object.keys(cases)).pipe(Flag.withDescription("One case alone"), Flag.optional),
  at: Flag.Int("at").pipe(Flag.withDescription("One table of the case alone, in this process"), Flag.optional)
}, ({ at, case: which }) =>
  Effect.gen(function*() {
    const name = Option.getOrUndefined(which)
    const index = Option.getOrUndefined(at)
    if (name !== undefined && index !== undefined) {
      const { measure, title, unit } = cases[name]![index]!
      yield* Console.log(markdown(title, unit, yield* Effect.promise(measure)))
      return yield* Effect.sync(() => process.exit(0))
    }
    yield* Console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`)
    for (const each of name === undefined ? Object.keys(cases) : [name]) {
      for (let i = 0; i < cases[each]!.length; i++) yield* Console.log(yield* measured(each, i))
    }
  }))

Command.run(bench, { version: "0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
