/**
 * The service of `examples/httpServer` under more load than it can carry, while its sessions are killed, its clients go away
 * and its database restarts. Only facts are asserted; the figures are printed.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import autocannon from "autocannon"
import { get } from "node:http"
import { type Postgres, startPostgres } from "../support/postgres.ts"
import { exposition, metrics, poolStatus, type Service, sleep, startService, until } from "../support/service.ts"
import { complaints } from "../support/telemetry.ts"

const sessions = 8
const connections = 200
/** Fewer than there are requests at once: a few are always turned away. */
const waiters = 190
const seconds = 5

describe("the HTTP server under load", () => {
  let postgres: Postgres
  let service: Service
  let address: string
  /** Of every write that was answered 204: what it has left behind. */
  const acknowledged = new Map<number, string>()
  let lastId = 0

  beforeAll(async () => {
    postgres = await startPostgres()
    service = startService({
      DATABASE_URL: postgres.url,
      POOL_MIN: String(sessions),
      POOL_MAX: String(sessions),
      MAX_WAITERS: String(waiters),
      BORROW_TIMEOUT: "1 second",
      // far beyond what a transaction takes, even on a machine that has much else to do
      LEASE_TIMEOUT: "1 minute"
    })
    address = await service.address
  })

  afterAll(async () => {
    service.kill("SIGTERM")
    const { code, left } = await service.ended
    await postgres.remove()
    assert.deepStrictEqual([code, left], [0, []])
  })

  interface Load {
    /** How often each status was answered. */
    readonly statuses: Map<number, number>
    /** How often each error was named in an answer. */
    readonly errors: Map<string, number>
    /** When the latest answer came that was no failure. */
    servedAt: number
    readonly stop: () => Promise<autocannon.Result>
  }

  const count = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1)

  /** Writes, reads and slow queries, each connection one after the other, until it is stopped. */
  const startLoad = (connections: number): Load => {
    const statuses = new Map<number, number>()
    const errors = new Map<string, number>()
    const answered = (status: number, body: string) => {
      count(statuses, status)
      if (status < 500) load.servedAt = performance.now()
      else count(errors, (JSON.parse(body) as { readonly error: string }).error)
    }
    let finish: (result: autocannon.Result) => void
    const finished = new Promise<autocannon.Result>((resolve) => finish = resolve)
    const instance = autocannon({
      url: address,
      connections,
      duration: 200,
      // far beyond any deadline of a request: one that reaches it was forgotten
      timeout: 120,
      requests: [
        {
          method: "PUT",
          headers: { "content-type": "application/json" },
          setupRequest: (request, context) => {
            const id = ++lastId
            Object.assign(context, { id })
            return { ...request, path: `/notes/${id}`, body: JSON.stringify({ text: `note ${id}` }) }
          },
          onResponse: (status, body, context) => {
            answered(status, body)
            const { id } = context as { readonly id: number }
            if (status === 204) acknowledged.set(id, `note ${id}`)
          }
        },
        {
          method: "GET",
          setupRequest: (request) => ({ ...request, path: `/notes/${1 + Math.floor(Math.random() * lastId)}` }),
          onResponse: answered
        },
        { method: "GET", path: "/slow?seconds=0.02", onResponse: answered }
      ]
    }, (_, result: autocannon.Result) => finish(result))
    const load: Load = {
      statuses,
      errors,
      servedAt: 0,
      stop: async () => {
        // on a machine that has much else to do it may take a while until the first is
        await until("written", () => Promise.resolve(load.statuses.get(204) ?? 0), (writes) => writes > 0)
        instance.stop()
        return await finished
      }
    }
    return load
  }

  /** Sends requests, one after the other, and hangs up on each before it is answered. */
  const hangUpUntil = async (isOver: () => boolean): Promise<number> => {
    let hungUp = 0
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        const request = get(`${address}/slow?seconds=0.5`, { agent: false }, (response) => response.resume())
        request.on("error", () => {})
        request.on("response", () => clearTimeout(timer))
        request.on("close", resolve)
        const timer = setTimeout(() => {
          hungUp++
          request.destroy()
        }, 20 + Math.random() * 200)
      })
    }
    return hungUp
  }

  /** Ends the sessions of the service at random, one after the other, so many at least; answers the processes that have ended. */
  const terminateUntil = async (isOver: () => boolean, least = 0): Promise<ReadonlySet<number>> => {
    const terminated = new Set<number>()
    while (!isOver() || terminated.size < least) {
      await sleep(100)
      try {
        const { sessions } = await poolStatus(address)
        const { pid } = sessions[Math.floor(Math.random() * sessions.length)]!
        const [row] = await postgres.query("SELECT pg_terminate_backend($1) AS sent", [pid])
        if (row?.["sent"] === true) terminated.add(pid)
      } catch {
        // the server is being restarted, and has no session to end
      }
    }
    return terminated
  }

  const restart = async (load: Load) => {
    await postgres.stop()
    await sleep(2000)
    await postgres.start()
    const startedAt = performance.now()
    await until("served again", () => Promise.resolve(load.servedAt), (servedAt) => servedAt > startedAt)
    return load.servedAt - startedAt
  }

  const after = (millis: number) => {
    const end = performance.now() + millis
    return () => performance.now() > end
  }

  /** What has to hold after whatever has happened. */
  const settled = async (load: Load, result: autocannon.Result) => {
    for (const status of load.statuses.keys()) assert.include([200, 204, 404, 503], status)
    assert.deepStrictEqual([result.errors, result.timeouts], [0, 0])
    assert.isAbove(load.statuses.get(204) ?? 0, 0)

    const pool = await until(
      "at rest",
      () => poolStatus(address),
      ({ stats }) => stats.leases === 0 && stats.waiting === 0 && stats.available === sessions
    )
    const activity = await until(
      "idle",
      () => postgres.activity(),
      (activity) => activity.length === sessions && activity.every(({ state }) => state === "idle")
    )
    assert.sameMembers(activity.map(({ pid }) => pid), pool.sessions.map(({ pid }) => pid))

    const { totals } = pool.stats
    assert.deepInclude(await metrics(address), {
      "pool_object_leases": 0,
      "pool_object_pending_requests": 0,
      "pool_object_size borrowed": 0,
      "pool_object_max": sessions,
      "pool_object_destroyed_total": totals.destroyed,
      "pool_object_expirations_total": totals.expired,
      "pool_object_timeouts_total": totals.timedOut,
      "pool_object_refusals_total": totals.exhausted
    })
    assert.deepStrictEqual(complaints(await exposition(address)), [])

    const written = await postgres.query("SELECT id, text FROM notes")
    const notes = new Map(written.map(({ id, text }) => [id, text]))
    for (const [id, text] of acknowledged) assert.strictEqual(notes.get(id), text)
    assert.strictEqual(service.stderr(), "")
    return pool
  }

  const figures = (phase: string, load: Load, result: autocannon.Result, ...more: ReadonlyArray<string>) => {
    let all = 0
    for (const n of load.statuses.values()) all += n
    const errors = Array.from(load.errors, ([error, n]) => `${error} ${n}`).sort().join(", ")
    const busy = load.statuses.get(503) ?? 0
    const parts = [
      `${all} requests`,
      `${all - busy} served`,
      `${busy} answered 503${busy > 0 ? ` (${errors})` : ""}`,
      `slowest ${(result.latency.max / 1000).toFixed(1)} s`,
      ...more
    ]
    console.log(`${phase}: ${parts.join("; ")}`)
  }

  const replaced = (terminated: ReadonlySet<number>) => `${terminated.size} sessions replaced`

  it("answers what it cannot carry with 503, and nothing else that is a failure", async () => {
    const load = startLoad(connections)
    await sleep(seconds * 1000)
    const result = await load.stop()

    await settled(load, result)
    figures("load", load, result)
  })

  it("replaces every session that is terminated, and fails at most the one request on it", async () => {
    const { stats: before } = await poolStatus(address)
    const load = startLoad(connections)
    const terminated = await terminateUntil(after(seconds * 1000), 3)
    const result = await load.stop()

    const { sessions, stats } = await settled(load, result)
    for (const { pid } of sessions) assert.isFalse(terminated.has(pid))
    assert.isAtLeast(stats.totals.destroyed - before.totals.destroyed, terminated.size)
    assert.isAtMost(load.errors.get("SessionLost") ?? 0, terminated.size)
    figures("sessions terminated", load, result, replaced(terminated))
  })

  it("takes back the sessions of clients that hang up", async () => {
    const load = startLoad(connections / 2)
    const isOver = after(seconds * 1000)
    const counts = await Promise.all(Array.from({ length: connections / 2 }, () => hangUpUntil(isOver)))
    const result = await load.stop()

    await settled(load, result)
    const hungUp = counts.reduce((sum, n) => sum + n)
    assert.isAtLeast(hungUp, connections / 2)
    figures("half of the clients hang up", load, result, `${hungUp} hung up`)
  })

  it("heals itself when PostgreSQL restarts, and lets no request wait past its deadline meanwhile", async () => {
    const load = startLoad(connections)
    await sleep(1000)
    const recovery = await restart(load)
    await sleep(1000)
    const result = await load.stop()

    await settled(load, result)
    assert.isAbove(load.statuses.get(503) ?? 0, 0)
    figures("PostgreSQL restarted", load, result, `served again ${recovery.toFixed(0)} ms after it was back`)
  })

  it("survives all of it at once", async () => {
    const load = startLoad(connections / 2)
    let over = false
    const isOver = () => over
    const disturbed = Promise.all([
      terminateUntil(isOver),
      ...Array.from({ length: connections / 2 }, () => hangUpUntil(isOver))
    ])
    await sleep(1000)
    const recovery = await restart(load)
    await sleep(1000)
    over = true
    const [terminated, ...hungUp] = await disturbed
    const result = await load.stop()

    const { sessions } = await settled(load, result)
    for (const { pid } of sessions) assert.isFalse(terminated.has(pid))
    figures(
      "all at once",
      load,
      result,
      replaced(terminated),
      `${hungUp.reduce((sum, n) => sum + n)} hung up`,
      `served again ${recovery.toFixed(0)} ms after it was back`
    )
  })
})
