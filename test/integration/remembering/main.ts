/**
 * A process that lends keys as fast as it can until it is killed, and remembers them in files. Each line that it prints is a fact:
 * a grant, a rest that a key was told, or an entry that is in its file, each with its time.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { writeSync } from "node:fs"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ObjectPool } from "../../../src/index.ts"
import { limit, names, per, rest } from "./limits.ts"

const folder = process.argv[2]!

const say = (...words: ReadonlyArray<string | number>): void => void writeSync(1, `${words.join(" ")}\n`)

/** Files, which are written whole or not at all. */
const files = KeyValueStore.makeStringOnly({
  get: (key) => {
    const path = join(folder, encodeURIComponent(key))
    return Effect.promise(() => readFile(path, "utf8").catch(() => undefined))
  },
  set: (key, text) => {
    const path = join(folder, encodeURIComponent(key))
    const written = Effect.promise(() => writeFile(`${path}.new`, text).then(() => rename(`${path}.new`, path)))
    const { at } = JSON.parse(text) as { readonly at: number }
    return Effect.tap(written, () => Effect.sync(() => say("wrote", key.split("/")[1]!, at)))
  },
  remove: (key) => Effect.promise(() => rm(join(folder, encodeURIComponent(key)), { force: true })),
  clear: Effect.void,
  size: Effect.succeed(0),
  keys: Effect.succeed([])
})

const program = Effect.gen(function*() {
  const pool = yield* ObjectPool.make({
    name: "keys",
    objects: names.map((name) => ({ name, secret: `sk-${name}` })),
    allowance: { limit, per: `${per} millis` },
    remember: { key: ({ name }) => name },
    borrowTimeout: "1 minute",
    waitsForResting: true
  })
  let n = 0
  const client = Effect.forever(pool.with((lease) =>
    Effect.gen(function*() {
      say("lent", lease.object.name, DateTime.toEpochMillis(lease.borrowedAt))
      yield* Effect.sleep("5 millis")
      if (++n % 25 !== 0) return
      say("rests", lease.object.name, (yield* Clock.currentTimeMillis) + rest)
      yield* lease.rest(`${rest} millis`)
    })
  ))
  say("began")
  yield* Effect.all(Array.from({ length: 6 }, () => client), { concurrency: "unbounded" })
})

Effect.runFork(Effect.scoped(Effect.provideService(program, KeyValueStore.KeyValueStore, files)))
