/**
 * Something comes between at each window of a borrow by a promise: a window is a number of turns of the event loop, and then
 * of microtasks. Nothing is lost, whatever comes when.
 */
import { assert, describe, it } from "@effect/vitest"
import { LeaseExpired, PoolClosed, PromisePool, type PromisePoolOptions } from "../../src/promise.ts"
import { deferred, idle, turn, unhandled, until } from "../support/promises.ts"

interface Thing {
  readonly n: number
}

const reason = new Error("aborted")

const microtasks = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await Promise.resolve()
}

/** Which turn of the event loop, and which microtask in it. */
const windows = [0, 1, 2].flatMap((turns) => Array.from({ length: 10 }, (_, tasks) => ({ turns, tasks })))

const reach = async ({ tasks, turns }: typeof windows[number]): Promise<void> => {
  for (let i = 0; i < turns; i++) await turn()
  await microtasks(tasks)
}

/** A signal that knows who listens to it. */
const listened = () => {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  // as it fires, those that listen once are gone
  add("abort", () => listeners.clear())
  Object.assign(signal, {
    addEventListener: (type: string, listener: () => void, options: object) => {
      listeners.add(listener)
      add(type, listener, options)
    },
    removeEventListener: (type: string, listener: () => void) => {
      listeners.delete(listener)
      remove(type, listener)
    }
  })
  return { controller, listeners, signal }
}

interface Scene {
  readonly options?: Partial<PromisePoolOptions<Thing>>
  /** Somebody else holds the only object, and gives it back after so many turns and microtasks. */
  readonly held?: typeof windows[number]
}

/** An answer that takes its time: some microtasks, or a turn of the loop as well. */
const slow = async <B>(answer: B, turns = 0): Promise<B> => {
  await reach({ turns, tasks: 3 })
  return answer
}

const scenes: Record<string, Scene> = {
  "of what is available": {},
  "of what is given back in the same step": { held: { turns: 0, tasks: 0 } },
  "of what is given back some microtasks later": { held: { turns: 0, tasks: 4 } },
  "of what is given back a turn later": { held: { turns: 1, tasks: 2 } },
  "of what is made": { options: { objects: [], acquire: () => slow({ n: 1 }) } },
  "of what is made in a turn or two": { options: { objects: [], acquire: () => slow({ n: 1 }, 1) } },
  "of what is made at once": { options: { objects: [], acquire: () => ({ n: 1 }) } },
  "of what is detected": { options: { detectStatus: () => slow("Available", 1) } },
  "of what is prepared": { options: { onBorrow: () => slow(undefined, 1) } },
  "of what is detected and prepared": {
    options: { detectStatus: () => slow("Available"), onBorrow: () => slow(undefined) }
  },
  "of what is chosen": { options: { select: (available) => slow(available[0], 1) } },
  "of what is cleaned up": { options: { onRelease: () => slow(undefined, 1) }, held: { turns: 0, tasks: 1 } },
  "of what is packed": { options: { pack: ({ object }) => slow(object, 1), unpack: () => slow(undefined) } },
  "under a lease time-out": { options: { leaseTimeout: "1 hour" }, held: { turns: 0, tasks: 2 } }
}

type Pool = PromisePool<Thing>

const ways: Record<string, (pool: Pool, signal: AbortSignal | undefined) => Promise<unknown>> = {
  borrow: async (pool, signal) => {
    const lease = await pool.borrow({ signal })
    await microtasks(2)
    await lease.release()
  },
  "borrow, with `await using`": async (pool, signal) => {
    await using lease = await pool.borrow({ signal })
    await slow(lease.object)
  },
  "with, of a plain body": (pool, signal) => pool.with((object) => object.n, { signal }),
  "with, of a body that takes its time": (pool, signal) => pool.with((object) => slow(object.n, 1), { signal }),
  "with, of a body that heeds its signal": (pool, signal) =>
    pool.with(async (_, told) => {
      const ended = deferred()
      told.addEventListener("abort", () => ended.resolve())
      if (told.aborted) return
      await Promise.race([ended.promise, slow(undefined, 1)])
    }, { signal }),
  "with, of a body that fails": (pool, signal) => pool.with(() => Promise.reject(reason), { signal })
}

/** What comes between, and how a borrower may end for that; but he may have been served before. */
const events: Record<string, {
  readonly happen: (pool: Pool, controller: AbortController) => void
  readonly may: (error: unknown) => boolean
  readonly closes?: boolean
}> = {
  "an abort": { happen: (_, controller) => controller.abort(reason), may: (error) => error === reason },
  "a revocation of all": {
    happen: (pool) => {
      for (const pooled of pool.objects()) pool.revoke(pooled)
    },
    may: (error) => error === reason || (error instanceof LeaseExpired && error.reason === "Revoked")
  },
  "a suspension": {
    happen: (pool) => {
      pool.suspend()
      setImmediate(() => pool.resume())
    },
    may: (error) => error === reason
  },
  "the closing of the pool": {
    happen: (pool) => void pool.close(),
    may: (error) => error === reason || error instanceof PoolClosed || error instanceof LeaseExpired,
    closes: true
  }
}

const play = async (
  { held, options }: Scene,
  way: (typeof ways)[string],
  { closes, happen, may }: (typeof events)[string],
  at: typeof windows[number],
  signalled: boolean
): Promise<unknown> => {
  const { controller, listeners, signal } = listened()
  const pool: Pool = PromisePool.make<Thing>({
    objects: [{ n: 1 }],
    size: { max: 1 },
    closing: { timeout: 0 },
    detection: { onAdd: false },
    ...options
  })
  const holder = held && await pool.borrow()
  let outcome: unknown = "served"
  let ended = false
  void way(pool, signalled ? signal : undefined).catch((error: unknown) => {
    outcome = error
  }).finally(() => {
    ended = true
  })
  if (held !== undefined) void reach(held).then(() => holder!.release())
  await reach(at)
  const before = ended
  happen(pool, controller)
  await until(() => ended)
  assert.isTrue(outcome === "served" || may(outcome), String(outcome))
  assert.strictEqual(listeners.size, 0, "nobody listens any more")
  if (closes === true) await pool.close()
  // whoever comes next is served
  else await pool.with(() => {})
  await until(() => pool.stats().leases === 0 && pool.stats().pending === 0 && pool.stats().making === 0)
  idle(pool)
  await pool.close()
  return before ? "before" : outcome
}

for (const [what, event] of Object.entries(events)) {
  describe(`${what}`, () => {
    for (const [how, way] of Object.entries(ways)) {
      it(`at any window of \`${how.split(",")[0]}\`${how.slice(how.split(",")[0]!.length)} loses nothing`, async () => {
        const outcomes = new Set<unknown>()
        const unseen = await unhandled(async () => {
          for (const scene of Object.values(scenes)) {
            for (const at of windows) outcomes.add(await play(scene, way, event, at, what === "an abort"))
          }
        })

        assert.deepStrictEqual(unseen, [])
        // some windows come after the end, and others before it
        assert.isTrue(outcomes.has("before"))
        assert.isAbove(outcomes.size, 1)
      })
    }
  })
}

describe("an abort by a function that is asked for the borrow itself", () => {
  const asked: Record<
    string,
    (abort: () => void) => {
      readonly options?: Partial<PromisePoolOptions<Thing>>
      readonly where?: () => boolean
    }
  > = {
    where: (abort) => ({
      where: () => {
        abort()
        return true
      }
    }),
    weight: (abort) => ({
      options: {
        select: {
          weight: () => {
            abort()
            return 1
          }
        }
      }
    }),
    leaseTimeout: (abort) => ({
      options: {
        leaseTimeout: () => {
          abort()
          return "1 hour"
        }
      }
    }),
    onBorrow: (abort) => ({ options: { onBorrow: abort } }),
    select: (abort) => ({
      options: {
        select: (available) => {
          abort()
          return available[0]
        }
      }
    }),
    detectStatus: (abort) => ({
      options: {
        detectStatus: () => {
          abort()
          return "Available"
        }
      }
    }),
    acquire: (abort) => ({
      options: {
        objects: [],
        acquire: () => {
          abort()
          return { n: 1 }
        }
      }
    }),
    pack: (abort) => ({
      options: {
        pack: ({ object }) => {
          abort()
          return object
        }
      }
    })
  }
  for (const [what, make] of Object.entries(asked)) {
    // an object that is handed on is neither weighed nor made
    for (const waits of what === "weight" || what === "acquire" ? [false] : [false, true]) {
      it(`as by \`${what}\`, ${waits ? "after a wait" : "at once"}, loses nothing`, async () => {
        const { controller, listeners, signal } = listened()
        let armed = false
        const { options, where } = make(() => {
          if (armed) controller.abort(reason)
        })
        const pool: Pool = PromisePool.make<Thing>({
          objects: [{ n: 1 }],
          size: { max: 1 },
          detection: { onAdd: false, onBorrow: true },
          ...options
        })
        for (
          const use of [
            () => pool.borrow({ signal, where }),
            () => pool.with(() => assert.fail("it was aborted"), { signal, where })
          ]
        ) {
          const holder = waits ? await pool.borrow() : undefined
          armed = true
          const used = use().then(() => "served", (error: unknown) => error)
          if (holder !== undefined) await holder.release()

          assert.strictEqual(await used, reason)
          armed = false
          assert.strictEqual(listeners.size, 0)
          await until(() => pool.stats().leases === 0 && pool.stats().pending === 0)
          await pool.with(() => {})
          idle(pool)
        }
      })
    }
  }
})
