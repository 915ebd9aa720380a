/**
 * What a person sees: the progress, and the table at the end.
 */
import { Array as Arr, ByteSize, Clock, Duration, Effect, Order, Stdio, Terminal } from "effect"
import type { PoolStats } from "../../src/index.ts"
import type { Digest } from "./HashWorker.ts"

interface Progress {
  /** One more file is done. */
  readonly tick: Effect.Effect<void>
}

/** A bar that is drawn over itself on a terminal; elsewhere a line at every 10 %. */
export const makeProgress = Effect.fnUntraced(function*(total: number) {
  const stdio = yield* Stdio.Stdio
  const draw = (yield* stdio.stdoutIsTerminal) ? yield* makeBar(total) : yield* makeLines(total)
  let done = 0
  const progress: Progress = { tick: Effect.suspend(() => draw(++done)) }
  return progress
})

const barWidth = 40

const makeBar = Effect.fnUntraced(function*(total: number) {
  const terminal = yield* Terminal.Terminal
  const display = (text: string) => Effect.ignore(terminal.display(text))
  let drawnAt = -Infinity
  // What comes after the bar, on success or on Ctrl-C, begins on a line of its own.
  yield* Effect.addFinalizer(() => display("\n"))
  return Effect.fnUntraced(function*(done: number) {
    const now = yield* Clock.currentTimeMillis
    if (now - drawnAt < 50 && done < total) return
    drawnAt = now
    const bar = "█".repeat(Math.floor(barWidth * done / total)).padEnd(barWidth, "░")
    yield* display(`\r${bar} ${percent(done, total)} % (${done} of ${total} files)`)
  })
})

const makeLines = Effect.fnUntraced(function*(total: number) {
  const terminal = yield* Terminal.Terminal
  let shown = 0
  return (done: number) => {
    const tenths = Math.floor(10 * done / total)
    if (tenths === shown) return Effect.void
    shown = tenths
    return Effect.ignore(terminal.display(`${percent(done, total)} % (${done} of ${total} files)\n`))
  }
})

const percent = (done: number, total: number) => String(Math.floor(100 * done / total)).padStart(3)

export interface Summary {
  readonly digests: ReadonlyArray<Digest>
  /** How long each borrow took. */
  readonly waits: ReadonlyArray<Duration.Duration>
  readonly elapsed: Duration.Duration
  readonly stats: PoolStats
  /** The file with the checksums. */
  readonly written: string
}

export const formatSummary = ({ digests, elapsed, stats, waits, written }: Summary): string => {
  const seconds = Duration.toSeconds(elapsed)
  const bytes = digests.reduce((sum, digest) => sum + digest.bytes, 0)
  const sorted = Arr.sort(waits.map(Duration.toMillis), Order.Number)
  return formatTable([
    ["files", `${digests.length}`],
    ["bytes", `${formatBytes(bytes)} (${bytes})`],
    [
      "rate",
      `${formatBytes(bytes / seconds)}/s, ${Math.round(digests.length / seconds)} files/s, ${seconds.toFixed(1)} s`
    ],
    ["borrows", `${stats.totals.borrowed}`],
    ["waits", `p50 ${quantile(sorted, 0.5)}, p99 ${quantile(sorted, 0.99)}, max ${quantile(sorted, 1)}`],
    ["workers", `${stats.totals.made} made, ${stats.totals.destroyed} destroyed`],
    ["objects", formatStatuses(stats)],
    ["written", `${digests.length} checksums to ${written}`]
  ])
}

const formatTable = (rows: ReadonlyArray<readonly [name: string, value: string]>): string =>
  rows.map(([name, value]) => `${name.padEnd(9)}${value}`).join("\n")

const formatBytes = (bytes: number) => ByteSize.format(ByteSize.bytes(Math.round(bytes)), { system: "decimal" })

const quantile = (sorted: ReadonlyArray<number>, q: number): string =>
  `${(sorted[Math.ceil(q * sorted.length) - 1] ?? 0).toFixed(1)} ms`

const formatStatuses = (stats: PoolStats): string =>
  (["pending", "available", "borrowed", "dormant", "unknown", "invalid"] as const)
    .map((status) => `${stats[status]} ${status}`)
    .join(", ")
