/**
 * A program of `object-pool-async`, the Python package, with this pool; then its names, one after another: what becomes of
 * each, and where it is not the same. `objectPoolAsync.effect.ts` does all of that with Effect. There:
 *
 * ```python
 * async def check(wrapper):
 *     return Status.AVAILABLE if await wrapper.object.ping() else Status.INVALID
 *
 * pool = Pool(detect_status=check, async_concurrency=4)
 * for name in ("a", "b", "c"):
 *     await pool.add_async(Key(name))
 *
 * pack = await pool.borrow_async(timeout=3)
 * try:
 *     print(await pack.object.ask("one"))
 * finally:
 *     pack.close()
 *
 * await pool.update_status_async()
 * print(len(pool), "keys")
 * ```
 */
import { setTimeout as sleep } from "node:timers/promises"
import { PoolExhausted, PromisePool, Selector, Status } from "../../src/promise.ts"

class Key {
  alive = true
  asked = 0
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  readonly ask = async (question: string) => `${question}: answered`
  readonly ping = async () => {
    this.asked++
    return this.alive
  }
}
const keys = (names: string) => names.split("").map((name) => new Key(name))

const pool = PromisePool.make<Key>({
  detectStatus: async ({ object }) => await object.ping() ? "Available" : "Invalid",
  detection: { concurrency: 4 }
})
for (const key of keys("abc")) await pool.add(key)
{
  await using lease = await pool.borrow({ leaseTimeout: "3 seconds" })
  console.log(await lease.object.ask("one"))
}
await pool.detect()
console.log(pool.stats().size, "keys")
await pool.close()

/** What a promise is rejected with. */
const failure = (promise: Promise<unknown>) => promise.then(() => "none", (error: unknown) => (error as Error).name)

/** The status of an object; none where it is not in the pool. */
const statusOf = (pool: PromisePool<Key>, key: Key) => pool.get(key)?.status

const rows: Record<string, () => unknown> = {
  "Status": () => Object.keys(Status.transitions).join(),

  "detect_status": async () => {
    const [a, b, c] = keys("abc") as [Key, Key, Key]
    b.alive = false
    await using pool = PromisePool.make<Key>({
      objects: [a, b, c],
      // plain or async; it may also say how long an object rests
      detectStatus: ({ object }) => object === c ? Status.dormant("1 minute") : object.alive ? "Available" : "Invalid"
    })
    return [statusOf(pool, a), statusOf(pool, b), statusOf(pool, c)].join()
  },

  // only the one that is picked; and not where it was asked a moment ago: by default, half a second
  "detect_status at a borrow": async () => {
    const objects = keys("ab")
    await using pool = PromisePool.make<Key>({
      objects,
      detectStatus: async ({ object }) => await object.ping() ? "Available" : "Invalid",
      select: Selector.roundRobin,
      detection: { onAdd: false, onBorrow: { trustFor: "1 minute" } }
    })
    for (let i = 0; i < 2; i++) await pool.with(() => {})
    await pool.with(() => {})
    return objects.map(({ asked }) => asked).join()
  },

  "select_object": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("ab"), select: async (available) => available.at(-1) })
    return await pool.with(({ name }) => name)
  },

  "round robin, weighted": async () => {
    const names: Array<string> = []
    const note = ({ name }: Key) => names.push(name)
    await using ring = PromisePool.make<Key>({ objects: keys("ab"), select: Selector.roundRobin })
    for (let i = 0; i < 4; i++) await ring.with(note)
    await using weighted = PromisePool.make<Key>({
      objects: keys("ab"),
      select: { weight: ({ object }) => object.name === "b" ? 1 : 0 }
    })
    for (let i = 0; i < 2; i++) await weighted.with(note)
    return names.join()
  },

  "wrapper": async () => {
    class Wrapper {
      readonly label: string
      constructor({ name }: Key) {
        this.label = name.toUpperCase()
      }
    }
    await using pool = PromisePool.make({ objects: keys("a"), data: (key) => new Wrapper(key) })
    return pool.objects()[0]?.data.label
  },

  // the data of `add` is laid over the pool's
  "wrapping_data": async () => {
    await using pool = PromisePool.make<Key, { used?: number; note?: string }>({ data: { used: 0 } })
    const [a, b] = keys("ab") as [Key, Key]
    return JSON.stringify([(await pool.add(a)).data, (await pool.add(b, { data: { note: "its own" } })).data])
  },

  "packer": async () => {
    const ends: Array<string> = []
    await using pool = PromisePool.make({
      objects: keys("a"),
      pack: async ({ object }) => `packed ${object.name}`,
      unpack: (packed) => ends.push(`un${packed}`)
    })
    return [await pool.with((packed) => packed), ...ends].join()
  },

  "object_factory": async () => {
    const ended: Array<string> = []
    const pool = PromisePool.make({ acquire: async () => new Key("made"), destroy: ({ name }) => ended.push(name) })
    const name = await pool.with(({ name }) => name)
    await pool.close()
    return [name, ...ended].join()
  },

  "async_concurrency": async () => {
    let running = 0
    let most = 0
    await using pool = PromisePool.make<Key>({
      detectStatus: async () => {
        most = Math.max(most, ++running)
        await sleep(1)
        running--
        return "Available" as const
      },
      detection: { concurrency: 2 }
    })
    await pool.addAll(keys("abcdef"))
    return most
  },

  // what is in the pool is not overwritten; but equal primitives are objects of their own
  "add": async () => {
    await using pool = PromisePool.make<Key | string>({})
    const key = new Key("a")
    pool.addSync(key)
    const twice = await failure(pool.add(key))
    await pool.addAll(["b", "b"])
    return [twice, pool.stats().size].join()
  },

  // a lent one leaves when it comes back
  "remove, discard": async () => {
    const [a, b] = keys("ab") as [Key, Key]
    await using pool = PromisePool.make<Key>({ objects: [a, b] })
    const lease = await pool.borrow({ where: ({ object }) => object === b })
    const answers = [pool.remove(a), statusOf(pool, a), pool.remove(b), statusOf(pool, b)]
    await lease.release()
    return [...answers, statusOf(pool, b)].map(String).join()
  },

  // a pool goes on, empty; `close` is its end
  "clear": async () => {
    const pool = PromisePool.make<Key>({ objects: keys("ab") })
    for (const pooled of pool.objects()) pool.remove(pooled)
    await pool.add(new Key("c"))
    const { size } = pool.stats()
    await pool.close()
    return [size, await failure(pool.add(new Key("d")))].join()
  },

  "update_status": async () => {
    const [a, b] = keys("ab") as [Key, Key]
    await using pool = PromisePool.make<Key>({
      objects: [a, b],
      detectStatus: ({ object }) => object.alive ? "Available" : "Invalid"
    })
    a.alive = false
    pool.detectSync()
    const one = pool.stats().size
    b.alive = false
    await pool.detect()
    return [one, pool.stats().size].join()
  },

  "get_status, len, in": async () => {
    const [a, b] = keys("ab") as [Key, Key]
    await using pool = PromisePool.make<Key>({ objects: [a] })
    return [statusOf(pool, a), pool.stats().size, pool.has(b)].join()
  },

  // a number is a number of milliseconds, not of seconds
  "borrow(timeout=3)": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("a") })
    const taken: Array<boolean> = []
    for (const leaseTimeout of [3, "3 seconds"] as const) {
      const lease = leaseTimeout === 3 ? pool.borrowSync({ leaseTimeout }) : await pool.borrow({ leaseTimeout })
      await sleep(100)
      taken.push(lease.signal.aborted)
      await lease.release()
    }
    return taken.join()
  },

  "borrow() is None": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("a") })
    const lease = await pool.borrow()
    let reason: string | undefined
    try {
      pool.borrowSync()
    } catch (error) {
      if (error instanceof PoolExhausted) reason = error.reason
    }
    const waits = pool.borrow()
    await lease.release()
    const { object, release } = await waits
    await release()
    return [reason, object.name].join()
  },

  "keywords of borrow": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("ab") })
    const lease = await pool.borrow({ where: ({ object }) => object.name === "b" })
    const served: Array<string> = []
    const borrow = (name: string, priority: number) =>
      pool.with(() => served.push(name), { where: ({ object }) => object.name === "b", priority })
    const waiting = [borrow("later", 0), borrow("first", 1)]
    await lease.release()
    await Promise.all(waiting)
    return [lease.object.name, ...served].join()
  },

  "pack.close()": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("a") })
    const available: Array<number> = []
    const note = () => available.push(pool.stats().available)
    pool.borrowSync().releaseSync()
    note()
    await (await pool.borrow()).release()
    note()
    {
      using _ = pool.borrowSync()
      note()
    }
    {
      await using _ = await pool.borrow()
    }
    await pool.with(() => {})
    note()
    return available.join()
  },

  "pack.close(**feedback)": async () => {
    const [a, b] = keys("ab") as [Key, Key]
    await using pool = PromisePool.make<Key, { errors: number }>({ objects: [a, b], data: () => ({ errors: 0 }) })
    const limited = await pool.borrow({ where: ({ object }) => object === a })
    limited.data.errors++
    limited.rest("1 minute")
    await limited.release()
    const broken = await pool.borrow({ where: ({ object }) => object === b })
    broken.invalidate()
    await broken.release()
    return pool.objects().map(({ data, object, status }) => `${object.name} ${status} ${data.errors}`).join()
  },

  "ObjectNotFoundError": async () => {
    await using pool = PromisePool.make<Key>({})
    return pool.remove(new Key("unknown"))
  },

  "coroutine safety": async () => {
    await using pool = PromisePool.make<Key>({ objects: keys("abc") })
    const held = new Set<Key>()
    let shared = false
    await Promise.all(Array.from({ length: 300 }, () =>
      pool.with(async (key) => {
        shared ||= held.has(key)
        held.add(key)
        await Promise.resolve()
        held.delete(key)
      })))
    return shared
  }
}

for (const [name, row] of Object.entries(rows)) console.log(`${name}: ${String(await row())}`)
