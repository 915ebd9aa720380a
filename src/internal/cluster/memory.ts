/**
 * Where a host keeps what the next one is to know: entries by name, of which each has the name of its pool before it.
 *
 * A host of an epoch writes nothing once one of a higher epoch has opened the memory: it may be frozen, or cut off, and not
 * know yet that it is the host no more. So what the later one reads as it opens is what there is, whatever comes late.
 */
import * as Effect from "effect/Effect"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"

/** What is there as a memory is opened. */
interface Opened {
  /** The names of the entries that begin with what was asked for. */
  readonly names: ReadonlyArray<string>
  /** What some entries say, where that costs nothing more. */
  readonly known: Map<string, string>
}

/** What a pool, and its host, remember. Writes of a host that another has followed fail with `Superseded`. */
export interface Memory {
  /** Nobody of a lower epoch writes any more from then on. */
  readonly open: (beginning: string) => Effect.Effect<Opened, unknown>
  readonly get: (name: string) => Effect.Effect<string | undefined, unknown>
  readonly set: (name: string, value: string) => Effect.Effect<void, unknown>
  /** Perhaps some of them, where it fails. */
  readonly setAll: (entries: ReadonlyArray<Named>) => Effect.Effect<void, unknown>
  readonly remove: (name: string) => Effect.Effect<void, unknown>
}

/** An entry. */
export interface Named {
  readonly name: string
  readonly text: string
}

/** The memory of the host of a pool that has that epoch. */
export type Memories = (pool: string, epoch: number) => Memory

/** Another host has followed. */
export class Superseded extends Error {
  override readonly name = "Superseded"
  constructor() {
    super("a host of a later epoch writes what is remembered")
  }
}

/**
 * A store of the program's own: whoever writes to it is the only one who does. A write is never interrupted: else nobody knew
 * whether it is still to come.
 */
export const ofStore = (store: KeyValueStore): Memory => ({
  open: (beginning) =>
    Effect.map(store.keys, (keys) => ({
      names: keys.filter((key) => key.startsWith(beginning)),
      known: new Map<string, string>()
    })),
  get: (name) => store.get(name),
  set: (name, value) => Effect.uninterruptible(store.set(name, value)),
  setAll: (entries) =>
    Effect.forEach(entries, ({ name, text }) => Effect.uninterruptible(store.set(name, text)), {
      concurrency: 16,
      discard: true
    }),
  remove: (name) => Effect.uninterruptible(store.remove(name))
})

/** Memories of a cluster that is this process, as in tests. */
export const inProcess = (entries = new Map<string, string>()): Memories => {
  const epochs = new Map<string, number>()
  return (pool, epoch) => {
    const asHost = <B>(act: () => B) =>
      Effect.suspend(() => epochs.get(pool) === epoch ? Effect.succeed(act()) : Effect.fail(new Superseded()))
    return {
      open: (beginning) =>
        Effect.suspend(() => {
          epochs.set(pool, Math.max(epoch, epochs.get(pool) ?? epoch))
          return asHost(() => ({
            names: [...entries.keys()].filter((name) => name.startsWith(beginning)),
            known: new Map<string, string>()
          }))
        }),
      get: (name) => Effect.sync(() => entries.get(name)),
      set: (name, value) => asHost(() => void entries.set(name, value)),
      setAll: (all) =>
        asHost(() => {
          for (const { name, text } of all) entries.set(name, text)
        }),
      remove: (name) => asHost(() => void entries.delete(name))
    }
  }
}
