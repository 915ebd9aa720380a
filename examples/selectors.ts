/**
 * Which of the objects does a borrower get, and how do I choose myself?
 *
 * Three servers behind five selectors: two built in, one that weighs, and two of our own, the last of which has to ask
 * before it can choose. The seed makes the output the same each time.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Array as Arr, Console, Effect, Order, Random } from "effect"
import { ObjectPool, type PooledObject, Selector } from "../src/index.ts"

interface Server {
  readonly name: string
  readonly cores: number
}

const objects: ReadonlyArray<Server> = [
  { name: "small", cores: 1 },
  { name: "medium", cores: 3 },
  { name: "large", cores: 6 }
]

/** What a server answers when it is asked how busy it is. Asking takes a moment, as it does over a network. */
const loadOf = ({ object }: PooledObject<Server>) =>
  Effect.yieldNow.pipe(
    Effect.andThen(Random.next),
    Effect.map((noise) => noise / object.cores)
  )

/** Borrows one after another, and counts who was chosen. */
const show = Effect.fnUntraced(function*(title: string, pool: ObjectPool<Server>) {
  const counts = new Map(objects.map(({ name }) => [name, 0]))
  for (let i = 0; i < 1000; i++) {
    yield* pool.with(({ object }) => Effect.sync(() => counts.set(object.name, (counts.get(object.name) ?? 0) + 1)))
  }
  const cells = Array.from(counts, ([name, count]) => `${name} ${count}`.padEnd(12))
  yield* Console.log(title.padEnd(18) + cells.join("").trimEnd())
})

const program = Effect.gen(function*() {
  // Built in: the default, and the one that is fair in turns.
  yield* show("random", yield* ObjectPool.make({ objects }))
  yield* show("round robin", yield* ObjectPool.make({ objects, select: Selector.roundRobin }))

  // In proportion to a weight.
  yield* show("weighted", yield* ObjectPool.make({ objects, select: { weight: ({ object }) => object.cores } }))

  // A function of what is available: whoever has served the least, for its size.
  yield* show(
    "custom",
    yield* ObjectPool.make({
      objects,
      select: (available) =>
        Arr.sortWith(available, (pooled) => pooled.borrowCount / pooled.object.cores, Order.Number)[0]
    })
  )

  // An effect: of two at random, whoever answers that it has less to do.
  yield* show(
    "custom, async",
    yield* ObjectPool.make({
      objects,
      select: Effect.fnUntraced(function*(available: ReadonlyArray<PooledObject<Server>>) {
        const [one, other] = yield* Random.shuffle(available)
        if (one === undefined || other === undefined) return one
        return (yield* loadOf(one)) <= (yield* loadOf(other)) ? one : other
      })
    })
  )
})

program.pipe(Effect.scoped, Random.withSeed("selectors"), NodeRuntime.runMain)
