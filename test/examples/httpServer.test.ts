import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { freePort, type Postgres, startPostgres } from "../support/postgres.ts"
import { poolStatus, type Service, startService, until } from "../support/service.ts"

describe("httpServer", () => {
  let postgres: Postgres

  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.remove())

  const write = (address: string, id: number | string, body: unknown, signal: AbortSignal | null = null) =>
    fetch(`${address}/notes/${id}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal
    })
  const read = (address: string, id: number | string) => fetch(`${address}/notes/${id}`)
  const errorOf = async (response: Response) => (await response.json() as { readonly error: string }).error

  /** Whatever happened before, every session is back, and none has anything open. */
  const clean = async (address: string) => {
    const { sessions, stats } = await until(
      "all back",
      () => poolStatus(address),
      ({ sessions, stats }) => stats.waiting === 0 && sessions.every(({ status }) => status === "Available")
    )
    assert.strictEqual(stats.leases, 0)
    const pids = new Set(sessions.map(({ pid }) => pid))
    const activity = (await postgres.activity()).filter(({ pid }) => pids.has(pid))
    assert.lengthOf(activity, sessions.length)
    for (const { state } of activity) assert.strictEqual(state, "idle")
    return sessions
  }

  describe("its routes", () => {
    let service: Service
    let address: string

    beforeAll(async () => {
      service = startService({
        DATABASE_URL: postgres.url,
        POOL_MAX: "2",
        MAX_WAITERS: "1",
        BORROW_TIMEOUT: "6 seconds",
        LEASE_TIMEOUT: "100 seconds"
      })
      address = await service.address
    })
    afterAll(async () => {
      service.kill("SIGTERM")
      const { code, stderr } = await service.ended
      assert.deepStrictEqual([code, stderr], [0, ""])
    })

    /** Starts slow queries, and answers what ends them: their clients hang up. */
    const occupy = async (sessions: number) => {
      const controller = new AbortController()
      const ends = Array.from(
        { length: sessions },
        () =>
          fetch(`${address}/slow?seconds=60`, { signal: controller.signal }).then(
            ({ status }) => status,
            () => "hung up"
          )
      )
      await until(
        "asleep",
        () => postgres.activity(),
        (activity) =>
          activity.filter(({ query, state }) => state === "active" && query.includes("pg_sleep")).length === sessions
      )
      return async () => {
        controller.abort()
        assert.deepStrictEqual(await Promise.all(ends), ends.map(() => "hung up"))
      }
    }

    it("write and read a note", async () => {
      assert.strictEqual((await write(address, 1, { text: "one" })).status, 204)
      assert.strictEqual((await write(address, 1, { text: "two" })).status, 204)

      const response = await read(address, 1)

      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(await response.json(), { text: "two" })
      await clean(address)
    })

    it("refuse what makes no sense without borrowing a session", async () => {
      const { stats: before } = await poolStatus(address)

      const responses = await Promise.all([
        write(address, 1, { txt: "" }),
        write(address, 1, { text: "\0" }),
        write(address, "one", { text: "" }),
        fetch(`${address}/notes/1`, { method: "PUT", body: "text" }),
        read(address, 2 ** 31),
        fetch(`${address}/slow`)
      ])

      for (const { status } of responses) assert.strictEqual(status, 400)
      assert.strictEqual((await fetch(`${address}/nowhere`)).status, 404)
      const { stats } = await poolStatus(address)
      assert.strictEqual(stats.totals.borrowed, before.totals.borrowed)
    })

    it("answer 404 for a note that is not there", async () => {
      assert.strictEqual((await read(address, 404)).status, 404)
    })

    it("say what the pool does", async () => {
      const end = await occupy(1)

      const { sessions, stats } = await poolStatus(address)

      assert.strictEqual(stats.borrowed, 1)
      assert.strictEqual(sessions.filter(({ status }) => status === "Borrowed").length, 1)
      await end()
      await clean(address)
    })

    it("answer 503 with Retry-After when no session comes free in time, and at once when too many wait", async () => {
      const end = await occupy(2)

      const waiting = read(address, 1)
      await until("waiting", () => poolStatus(address), ({ stats }) => stats.waiting === 1)
      const exhausted = await read(address, 1)
      const timedOut = await waiting

      assert.deepStrictEqual([exhausted.status, exhausted.headers.get("retry-after")], [503, "1"])
      assert.strictEqual(await errorOf(exhausted), "PoolExhausted")
      assert.deepStrictEqual([timedOut.status, timedOut.headers.get("retry-after")], [503, "1"])
      assert.strictEqual(await errorOf(timedOut), "BorrowTimeout")
      await end()
      await clean(address)
    })

    it("take a session back clean, and the same one, when its client hangs up", async () => {
      const before = await clean(address)

      const end = await occupy(2)
      await end()

      const sessions = await clean(address)
      assert.sameMembers(sessions.map(({ pid }) => pid), before.map(({ pid }) => pid))
    })

    it("roll a write back when its client hangs up", async () => {
      const blocker = await postgres.blockNote(77)
      const controller = new AbortController()
      const writing = write(address, 77, { text: "never" }, controller.signal).catch(() => "hung up")
      await until(
        "waiting for the lock",
        () => postgres.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
        (waiting) => waiting.length === 1
      )

      controller.abort()
      assert.strictEqual(await writing, "hung up")
      await clean(address)
      await blocker.release()

      assert.strictEqual((await read(address, 77)).status, 404)
    })

    it("answer 503 to the request whose session is terminated, and replace the session", async () => {
      const before = await poolStatus(address)
      const slow = fetch(`${address}/slow?seconds=60`)
      const { sessions } = await until("occupied", () => poolStatus(address), ({ stats }) => stats.leases === 1)
      const victim = sessions.find(({ status }) => status === "Borrowed")!

      await postgres.query("SELECT pg_terminate_backend($1)", [victim.pid])

      const response = await slow
      assert.deepStrictEqual([response.status, response.headers.get("retry-after")], [503, "1"])
      assert.strictEqual(await errorOf(response), "SessionLost")
      await until(
        "destroyed",
        () => poolStatus(address),
        ({ stats }) => stats.totals.destroyed === before.stats.totals.destroyed + 1
      )
      assert.notInclude((await clean(address)).map(({ pid }) => pid), victim.pid)
    })

    it("give up a session whose server process does not answer", async () => {
      const end = await occupy(1)
      const { sessions, stats: before } = await poolStatus(address)
      const { pid } = sessions.find(({ status }) => status === "Borrowed")!

      process.kill(pid, "SIGSTOP")
      try {
        await end()
        await until(
          "destroyed",
          () => poolStatus(address),
          ({ stats }) => stats.totals.destroyed === before.totals.destroyed + 1
        )
      } finally {
        process.kill(pid, "SIGCONT")
      }

      assert.notInclude((await clean(address)).map(({ pid }) => pid), pid)
    })

    it("never lend a session that was terminated while it was idle", async () => {
      const idle = (await clean(address)).map(({ pid }) => pid)

      await postgres.query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", [idle])

      const { sessions } = await until(
        "replaced",
        () => poolStatus(address),
        ({ sessions }) => sessions.length > 0 && sessions.every(({ pid }) => !idle.includes(pid))
      )
      assert.isAtLeast(sessions.length, 1)
      assert.strictEqual((await read(address, 1)).status, 200)
    })
  })

  it("answers 504 when a statement, or a transaction of several, takes too long, and rolls it back", async () => {
    // a statement has four fifths of that: so much earlier it is told, even on a machine that has much else to do
    const service = startService({ DATABASE_URL: postgres.url, LEASE_TIMEOUT: "8 seconds" })
    const address = await service.address

    const [statement, transaction] = await Promise.all([
      fetch(`${address}/slow?seconds=20`),
      fetch(`${address}/slow?seconds=0.5&times=50`)
    ])

    assert.deepStrictEqual([statement.status, await errorOf(statement)], [504, "StatementTimeout"])
    assert.deepStrictEqual([transaction.status, await errorOf(transaction)], [504, "LeaseExpired"])
    await clean(address)
    assert.strictEqual((await poolStatus(address)).stats.totals.expired, 1)
    service.kill("SIGTERM")
    assert.strictEqual((await service.ended).code, 0)
  })

  it("finishes what is in flight when it is told to stop, then closes its sessions, then its PostgreSQL", async () => {
    const service = startService({ LEASE_TIMEOUT: "20 seconds" }, "sources")
    const address = await service.address
    assert.strictEqual((await write(address, 1, { text: "one" })).status, 204)
    const [folder] = readdirSync(service.folder)
    const [postmaster] = readFileSync(join(service.folder, folder!, "postmaster.pid"), "utf8").split("\n")
    const slow = fetch(`${address}/slow?seconds=4`)
    await until("in flight", () => poolStatus(address), ({ stats }) => stats.leases === 1)

    service.kill("SIGTERM")
    const refused = await until(
      "refusing",
      () => read(address, 1).then(({ status }) => String(status), () => "refused"),
      (answer) => answer === "refused"
    )

    assert.strictEqual(refused, "refused")
    assert.strictEqual((await slow).status, 204)
    const { code, left, stderr, stdout } = await service.ended
    assert.deepStrictEqual([code, stderr, left], [0, "", []])
    // PostgreSQL has not been the first to go
    assert.notInclude(stdout, "lost")
    assert.throws(() => process.kill(Number(postmaster), 0), /ESRCH/)
  })

  describe("fails in one line, and leaves nothing behind, when it cannot start:", () => {
    const other = createServer()
    let taken = ""
    let nobody = 0

    beforeAll(async () => {
      nobody = await freePort()
      await once(other.listen(0, "127.0.0.1"), "listening")
      taken = String((other.address() as AddressInfo).port)
    })
    afterAll(() => other.close())

    type Env = Readonly<Record<string, string>>
    const cases: Readonly<Record<string, () => readonly [env: Env, message: string]>> = {
      "nobody listens at the address of the database": () => [
        { DATABASE_URL: `postgres://127.0.0.1:${nobody}/postgres` },
        `cannot connect to PostgreSQL: connect ECONNREFUSED 127.0.0.1:${nobody}`
      ],
      "the password is wrong": () => [
        { DATABASE_URL: postgres.url.replace("secret", "guess") },
        "cannot connect to PostgreSQL: password authentication failed for user \"postgres\""
      ],
      "there is no such database": () => [
        { DATABASE_URL: postgres.url.replace(/postgres$/, "nowhere") },
        "cannot connect to PostgreSQL: database \"nowhere\" does not exist"
      ],
      "its URL is none": () => [{ DATABASE_URL: "secret" }, "DATABASE_URL: Expected a valid URL string"],
      "its URL is of something else": () => [
        { DATABASE_URL: "http://user:secret@host/" },
        "DATABASE_URL: Expected a URL of the form postgres://…"
      ],
      "the port is taken": () => [
        { DATABASE_URL: postgres.url, PORT: taken },
        `listen EADDRINUSE: address already in use 127.0.0.1:${taken}`
      ],
      "the port is taken, and the PostgreSQL is its own": () => [
        { PORT: taken },
        `listen EADDRINUSE: address already in use 127.0.0.1:${taken}`
      ],
      "the port is none": () => [
        { DATABASE_URL: postgres.url, PORT: "70000" },
        "PORT: Expected a value between 0 and 65535"
      ],
      "a number is none": () => [
        { DATABASE_URL: postgres.url, POOL_MAX: "many" },
        "POOL_MAX: Expected a string representing a finite number"
      ],
      "the pool refuses its options": () => [
        { DATABASE_URL: postgres.url, POOL_MIN: "9" },
        "Pool \"httpServer/Sessions\": option `size.min` is 9; allowed: at most size.max, 8"
      ],
      "a duration is none": () => [
        { DATABASE_URL: postgres.url, LEASE_TIMEOUT: "soon" },
        "LEASE_TIMEOUT: Expected a valid Duration string"
      ],
      "an answer is neither yes nor no": () => [
        { DATABASE_URL: postgres.url, WAIT_FOR_DATABASE: "perhaps" },
        "WAIT_FOR_DATABASE: Expected \"true\" | \"yes\" | \"on\" | \"1\" | \"y\" | \"false\" | \"no\" | \"off\" | \"0\" | \"n\""
      ]
    }
    for (const [why, given] of Object.entries(cases)) {
      it(`${why}`, async () => {
        const [env, message] = given()

        const { code, left, stderr, stdout } = await startService(env).ended

        assert.deepStrictEqual([stderr, code, left, stdout], [`httpServer: ${message}\n`, 1, [], ""])
        await until("closed", () => postgres.activity(), (activity) => activity.length === 0)
      })
    }
  })

  it("answers 503 until its database is there, when it is told not to wait for it", async () => {
    await postgres.stop()
    const service = startService({
      DATABASE_URL: postgres.url,
      WAIT_FOR_DATABASE: "false",
      BORROW_TIMEOUT: "500 millis"
    })
    const address = await service.address

    const response = await write(address, 1, { text: "one" })
    await postgres.start()
    const served = await until("served", () => write(address, 1, { text: "one" }), ({ status }) => status !== 503)

    assert.deepStrictEqual([response.status, await errorOf(response)], [503, "BorrowTimeout"])
    assert.strictEqual(served.status, 204)
    service.kill("SIGTERM")
    const { code, stderr, stdout } = await service.ended
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /WARN .*cannot connect to PostgreSQL: connect ECONNREFUSED/)
  })
})
