/**
 * How do I use a helper program that dies, hangs, or talks nonsense?
 *
 * Child processes that answer one line of JSON with another. Each request borrows a child for itself. One that has died
 * is found when it is asked whether it is there, one that answers garbage is invalidated, and one that does not answer in
 * time loses its lease: each is killed and replaced, and the other requests never notice.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer } from "effect"
import { PoolService } from "../src/index.ts"
import { type ChildEnded, type Factorizer, type Factors, type Garbage, start } from "./jsonLines/Factorizer.ts"

class Factorizers
  extends PoolService<Factorizers, Factorizer, { error: ChildEnded | Garbage }>()("jsonLines/Factorizers")
{}

const FactorizersLayer = Factorizers.layer({
  acquire: start,
  // As many at least as at most: one that is gone is replaced before somebody asks for it.
  size: { min: 3, max: 3 },
  leaseTimeout: "2 seconds",
  // A child in an endless loop would not hear the detector either.
  onLeaseExpired: "destroy",
  detectStatus: ({ object }) =>
    object.ping.pipe(
      Effect.as("Available" as const),
      Effect.timeout("2 seconds"),
      Effect.orElseSucceed(() => "Invalid" as const)
    ),
  // A ping is cheap beside a request: who dies between two leases is found before the second.
  detection: { onBorrow: true }
})

/** After garbage nobody knows whose answer comes next: the child is not lent on. */
const factor = (number: number) =>
  Factorizers.with((lease) => Effect.tapErrorTag(lease.object.factor(number), "Garbage", () => lease.invalidate))

/** What becomes of a number, as a line of text. */
const describe = (number: number) =>
  factor(number).pipe(
    Effect.map((factors) => `${number} = ${format(factors)}`),
    Effect.catchTag(
      ["ChildEnded", "Garbage", "LeaseExpired"],
      (error) => Effect.succeed(`${number}: ${error._tag}, ${error.message}`)
    )
  )

const format = (factors: Factors) =>
  factors.map(([prime, exponent]) => exponent === 1 ? prime : `${prime}^${exponent}`).join(" · ")

const innocent = [12, 97, 1001, 65_536, 123_456_789, 600_851_475_143, 999_999_000_001, 9_007_199_254_740_991]
const harmful = [-15, 0, 2.5]

const showChildren = Effect.gen(function*() {
  // until those that were lost have their successors
  yield* Factorizers.ready
  const { available, totals } = yield* Factorizers.stats
  yield* Console.log(`${available} children at rest, ${totals.made} started since the beginning`)
})

/** What an administrator does, or a machine that is short of memory. */
const killOne = Effect.gen(function*() {
  const idle = (yield* Factorizers.objects).find(({ status }) => status === "Available")
  if (idle === undefined) return
  process.kill(idle.object.pid, "SIGKILL")
  yield* Console.log("one of them is killed from outside")
})

const program = Effect.gen(function*() {
  const lines = yield* Effect.forEach([...harmful, ...innocent], describe, { concurrency: 6 })
  for (const line of lines) yield* Console.log(line)
  yield* showChildren

  yield* killOne
  const again = yield* Effect.forEach([...innocent, ...innocent], factor, { concurrency: 6 })
  yield* Console.log(`${again.length} more numbers factored`)
  yield* showChildren
})

program.pipe(
  Effect.provide(Layer.provide(FactorizersLayer, NodeServices.layer)),
  NodeRuntime.runMain
)
