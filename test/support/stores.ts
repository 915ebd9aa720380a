/**
 * Stores for what a pool remembers: one that can be looked into, and made slow, broken, or full of nonsense.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as References from "effect/References"

export const broken = new KeyValueStore.KeyValueStoreError({ method: "any", message: "the store is down" })

/** A store in memory. `before` is run before each operation, which is counted; how many are under way at once, as well. */
export const memory = (entries = new Map<string, string>()) => {
  const state = {
    entries,
    before: (
      _method: "get" | "set" | "remove",
      _key: string
    ): Effect.Effect<unknown, KeyValueStore.KeyValueStoreError> => Effect.void,
    gets: 0,
    sets: 0,
    removes: 0,
    underWay: 0,
    most: 0
  }
  const operation = <B>(method: "get" | "set" | "remove", key: string, act: () => B) =>
    Effect.suspend(() => {
      state[`${method}s`]++
      state.most = Math.max(state.most, ++state.underWay)
      return Effect.ensuring(
        Effect.map(Effect.suspend(() => state.before(method, key)), act),
        Effect.sync(() => state.underWay--)
      )
    })
  const store = KeyValueStore.makeStringOnly({
    get: (key) => operation("get", key, () => entries.get(key)),
    set: (key, value) => operation("set", key, () => void entries.set(key, value)),
    remove: (key) => operation("remove", key, () => void entries.delete(key)),
    clear: Effect.sync(() => entries.clear()),
    size: Effect.sync(() => entries.size),
    keys: Effect.sync(() => [...entries.keys()])
  })
  return Object.assign(state, {
    /** Gives the store to what is built within. */
    within: Effect.provideService(KeyValueStore.KeyValueStore, store)
  })
}

/** What waits until it is opened. */
export const gate = () => {
  const opened = Deferred.makeUnsafe<void>()
  return { wait: Deferred.await(opened), open: Deferred.succeed(opened, undefined) }
}

/** What is logged by pools that are built within: the messages, and what they are about. */
export const complaints = () => {
  const messages: Array<string> = []
  const annotations: Array<Readonly<Record<string, unknown>>> = []
  const logger = Logger.make<unknown, void>(({ fiber, message }) => {
    messages.push(Array.isArray(message) ? message.join(" ") : String(message))
    annotations.push({ ...fiber.getRef(References.CurrentLogAnnotations) })
  })
  return { messages, annotations, within: Effect.provideService(Logger.CurrentLoggers, new Set([logger])) }
}
