/**
 * How do I lend out objects that I have already, and only those that are usable at the moment?
 *
 * Two keys of a translation service, each with a quota that is filled up again and again. A key whose quota is spent is
 * fine, but of no use now: the pool lets it rest, and wakes it by itself.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Schedule } from "effect"
import { PoolService, Status } from "../src/index.ts"

interface Key {
  readonly name: string
  quota: number
}

const keys: ReadonlyArray<Key> = [{ name: "red", quota: 1 }, { name: "blue", quota: 2 }]

class Keys extends PoolService<Keys, Key>()("quickStart/Keys") {}

const KeysLayer = Keys.layer({
  objects: keys,
  detectStatus: ({ object }) => object.quota > 0 ? "Available" : Status.dormant("500 millis"),
  // By default a key is asked when it is borrowed, unless it was within half a second; here every use may be the last.
  detection: { onRelease: true }
})

const translate = (text: string, key: Key) =>
  Effect.suspend(() => {
    key.quota--
    return Console.log(`"${text}" translated with the ${key.name} key`)
  })

const fillUp = Effect.sync(() => keys.forEach((key) => key.quota = 2))

const showStats = Effect.gen(function*() {
  const { available, borrowed, dormant, size } = yield* Keys.stats
  yield* Console.log(`${size} keys: ${available} available, ${borrowed} borrowed, ${dormant} dormant`)
})

const program = Effect.gen(function*() {
  yield* Effect.forkChild(Effect.repeat(Effect.delay(fillUp, "400 millis"), Schedule.forever))
  yield* showStats

  // The bracket: borrows a key, uses it, gives it back.
  yield* Keys.with((lease) => translate("one", lease.object))

  // The lease in hand: it is given back when the scope closes.
  yield* Effect.scoped(Effect.gen(function*() {
    const lease = yield* Keys.borrow
    yield* translate("two", lease.object)
    yield* showStats
  }))

  yield* Keys.with((lease) => translate("three", lease.object))
  yield* showStats

  // No key has quota left: this borrow waits for the first that comes back from its rest.
  yield* Keys.with((lease) => translate("four", lease.object))
  yield* showStats
})

program.pipe(Effect.provide(KeysLayer), NodeRuntime.runMain)
