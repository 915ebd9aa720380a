/**
 * How do I spread work over something scarce that may crash or hang?
 *
 * Computes the SHA-256 of every file under a folder (by default the installed sources of `effect`) in a pool of worker
 * threads, and writes them to `SHA256SUMS`, for `sha256sum --check`.
 *
 *   npm start
 *   npm start -- some/folder --workers 4 --output sums.txt
 *   npm start -- --chaos 0.02       # 2 % of the files make the worker that hashes them crash or hang
 *
 * Each pooled object is a live thread. A file borrows one, for one job. A thread that crashes is found `Invalid` when it
 * comes back, one that hangs is invalidated when its job's time is over: either is destroyed, a new one is made when
 * there is need, and the file is tried again.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Array as Arr, Console, Duration, Effect, Random, Schedule, Schema } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import manifest from "../package.json" with { type: "json" }
import { type Chaos, planChaos } from "./checksums/chaos.ts"
import { formatLine, type HashableFile, listFiles, openOutput, resolveOutput } from "./checksums/files.ts"
import { Workers } from "./checksums/HashWorker.ts"
import { formatSummary, makeProgress } from "./checksums/report.ts"
import { terseOutput } from "./checksums/terseOutput.ts"

class GaveUp extends Schema.TaggedError<GaveUp>()("GaveUp", { path: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `gave up on ${JSON.stringify(this.path)}: ${this.reason}`
  }
}

class JobTimedOut extends Schema.TaggedError<JobTimedOut>()("JobTimedOut", { limit: Schema.DurationFromMillis }) {
  override get message(): string {
    return `no answer within ${Duration.format(this.limit)}`
  }
}

interface Run {
  readonly chaos: Chaos
  /** How long each borrow took. */
  readonly waits: Array<Duration.Duration>
}

/** One try at one file: borrows a worker, and gives it back whatever happens. */
const hashOnce = Effect.fnUntraced(function*(file: HashableFile, { chaos, waits }: Run) {
  const [waited, lease] = yield* Effect.timed(Workers.borrow)
  waits.push(waited)
  const limit = timeLimit(file)
  return yield* lease.object.hash(file.path, chaos(file.path)).pipe(
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.andThen(lease.invalidate, new JobTimedOut({ limit }))
    })
  )
}, Effect.scoped)

/** A second, and what even a slow disk needs. */
const timeLimit = (file: HashableFile) => Duration.seconds(1 + file.size / 5_000_000)

/** Tries again when it was the worker's fault; a file that cannot be read is not tried again. */
const hash = (file: HashableFile, run: Run) =>
  hashOnce(file, run).pipe(
    Effect.retry({ schedule: retries, while: ({ _tag }) => _tag === "WorkerCrashed" || _tag === "JobTimedOut" }),
    Effect.catchTag(["WorkerCrashed", "JobTimedOut"], ({ message }) => new GaveUp({ path: file.path, reason: message }))
  )

const retries = Schedule.exponential("20 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 5 }))

const hashAll = Effect.fnUntraced(function*(files: ReadonlyArray<HashableFile>, run: Run, workers: number) {
  const progress = yield* makeProgress(files.length)
  return yield* Effect.forEach(files, (file) => Effect.tap(hash(file, run), progress.tick), {
    // Twice as many files as workers: a worker that comes back finds the next file waiting.
    concurrency: 2 * workers
  })
}, Effect.scoped)

interface Options {
  readonly folder: string
  readonly workers: number
  readonly chaos: number
  readonly seed: number
  readonly output: string
}

const writeChecksums = Effect.fnUntraced(function*(options: Options) {
  const output = yield* resolveOutput(options.output)
  const files = yield* listFiles(options.folder, output.target)
  const { replaceWith } = yield* openOutput(output)
  const chaos = yield* planChaos(files, options.chaos).pipe(Random.withSeed(options.seed))
  yield* Console.log(`hashing ${files.length} files with at most ${options.workers} workers`)

  const run: Run = { chaos, waits: [] }
  const [elapsed, digests] = yield* Effect.timed(hashAll(files, run, options.workers))
  const lines = Arr.zipWith(files, digests, ({ path }, { sha256 }) => formatLine(sha256, path))
  yield* replaceWith(lines.join(""))
  yield* Console.log(
    formatSummary({ digests, elapsed, stats: yield* Workers.stats, waits: run.waits, written: output.target })
  )
}, Effect.scoped)

const command = Command.make("checksums", {
  folder: Argument.String("folder").pipe(
    Argument.withDescription("What to hash; by default the installed sources of effect"),
    Argument.withDefault(fileURLToPath(new URL("src", import.meta.resolve("effect/package.json"))))
  ),
  workers: Flag.Int("workers").pipe(
    Flag.withDescription("How many workers at most; by default one for each core, and at least 2"),
    Flag.filter((workers) => workers >= 1, () => "at least 1"),
    Flag.withDefault(Math.max(2, availableParallelism()))
  ),
  chaos: Flag.Finite("chaos").pipe(
    Flag.withDescription("Share of the files whose worker crashes or hangs the first time"),
    Flag.filter((chaos) => chaos >= 0 && chaos <= 1, () => "a number from 0 to 1"),
    Flag.withDefault(0)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Which files the chaos strikes, and how"),
    Flag.withDefault(42)
  ),
  output: Flag.String("output").pipe(
    Flag.withDescription("The file to write"),
    Flag.withDefault("SHA256SUMS")
  )
}, (options) => Effect.mapError(writeChecksums(options), (cause) => new CliError.UserError({ cause }))).pipe(
  Command.withDescription("Writes the SHA-256 of every file under a folder, for sha256sum --check"),
  Command.provide(({ workers }) => Workers.upTo(workers))
)

Command.run(command, { version: manifest.version }).pipe(
  Effect.provide([NodeServices.layer, terseOutput]),
  NodeRuntime.runMain
)
