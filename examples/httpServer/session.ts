/** What is pooled: a session of PostgreSQL, that is one `pg` client. */
import { Deferred, Duration, Effect, Exit, Schema, Semaphore } from "effect"
import pg from "pg"

/** There is no session to be had: the server is down or full, or does not let us in. */
export class CannotConnect extends Schema.TaggedError<CannotConnect>()("CannotConnect", { reason: Schema.String }) {
  override get message(): string {
    return `cannot connect to PostgreSQL: ${this.reason}`
  }
}

/** The connection is gone. What the server made of the last statement, nobody knows. */
class SessionLost extends Schema.TaggedError<SessionLost>()("SessionLost", { reason: Schema.String }) {
  override get message(): string {
    return `session lost: ${this.reason}`
  }
}

/** The statement took longer than `statement_timeout`: the server has cancelled it. */
class StatementTimeout extends Schema.TaggedError<StatementTimeout>()("StatementTimeout", {}) {}

/** The server refused the statement. The session is fine. */
class QueryFailed extends Schema.TaggedError<QueryFailed>()("QueryFailed", {
  code: Schema.UndefinedOr(Schema.String),
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.reason} (${this.code})`
  }
}

export const QueryError = Schema.Union([SessionLost, StatementTimeout, QueryFailed])
export type QueryError = typeof QueryError.Type

export interface SessionOptions {
  readonly url: URL
  /** Whose session it is, as `pg_stat_activity` names it. */
  readonly application: string
  readonly statementTimeout: Duration.Duration
  /** Called once, as soon as the connection is known to be gone, unless it was closed on purpose. */
  readonly onLost: (session: Session, reason: string) => void
}

/** How long the server has for what should take it no time at all, before it counts as unreachable. */
const patience = Duration.seconds(2)

/** As `pg` has it, and PostgreSQL: 0 is no limit. */
const millis = (duration: Duration.Duration) => Duration.isFinite(duration) ? Math.ceil(Duration.toMillis(duration)) : 0

export class Session {
  /** The process that serves it, as `pg_stat_activity` names it. */
  readonly pid: number
  private readonly client: pg.Client
  private readonly options: SessionOptions
  /** One statement at a time: `pg` would queue the others, and run them whatever had become of their fibers. */
  private readonly turn = Semaphore.makeUnsafe(1)
  private over = false

  private constructor(pid: number, client: pg.Client, options: SessionOptions) {
    this.pid = pid
    this.client = client
    this.options = options
    client.on("error", (error) => this.lose(error.message))
    client.on("end", () => this.lose("the connection was closed"))
  }

  /** Opens a session. It is closed with the scope. */
  static readonly open = Effect.fnUntraced(function*(options: SessionOptions) {
    const client = yield* connect(options.url, {
      application_name: options.application,
      keepAlive: true,
      statement_timeout: millis(options.statementTimeout),
      // the server keeps that limit, if it can be reached at all
      query_timeout: millis(Duration.sum(options.statementTimeout, patience))
    })
    const pid = yield* Effect.tryPromise({
      try: async () => (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid,
      catch: cannotConnect
    })
    return yield* Effect.acquireRelease(
      Effect.sync(() => new Session(pid, client, options)),
      (session) => Effect.sync(() => session.over = true)
    )
  })

  query(text: string, values: ReadonlyArray<unknown> = []): Effect.Effect<ReadonlyArray<unknown>, QueryError> {
    return this.turn.withPermit(Effect.callback((resume) => {
      const ended = Deferred.makeUnsafe<void>()
      this.client.query(text, [...values], (error: Error | null, result: pg.QueryResult<pg.QueryResultRow>) => {
        Deferred.doneUnsafe(ended, Effect.void)
        resume(error === null ? Effect.succeed(result.rows) : Effect.fail(this.explain(error)))
      })
      return this.cancel(Deferred.await(ended))
    }))
  }

  /**
   * What becomes of a statement whose fiber is interrupted: whoever asked is gone, or has no lease any more. To wait for it
   * would keep the session busy for nobody; to close the connection would leave it running in the server with its locks,
   * and cost a session. So the server is told to cancel it, and the session can go back. Both ends are waited for: a
   * cancellation that came late would hit the next statement.
   */
  private cancel(ended: Effect.Effect<void>): Effect.Effect<void> {
    return connect(this.options.url, { application_name: `${this.options.application}: cancel` }).pipe(
      Effect.flatMap((client) => Effect.promise(() => client.query("SELECT pg_cancel_backend($1)", [this.pid]))),
      Effect.scoped,
      Effect.andThen(ended),
      Effect.interruptible,
      Effect.timeout(patience),
      Effect.catchCause(() => Effect.sync(() => this.lose("a statement could not be cancelled")))
    )
  }

  private explain(error: Error): QueryError {
    // what is not said by the server, or is the last that it says
    if (!(error instanceof pg.DatabaseError) || error.severity === "FATAL") {
      this.lose(error.message)
      return new SessionLost({ reason: error.message })
    }
    if (error.code === "57014") return new StatementTimeout()
    return new QueryFailed({ code: error.code, reason: error.message })
  }

  private lose(reason: string): void {
    if (this.over) return
    this.over = true
    this.client.connection.stream.destroy()
    this.options.onLost(this, reason)
  }
}

const connect = (url: URL, options: pg.ClientConfig) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const client = new pg.Client({ ...options, connectionString: url.href, connectionTimeoutMillis: 5000 })
      // without a listener, an error outside a query would end the process
      return client.on("error", () => {})
    }),
    (client, exit) =>
      Exit.isSuccess(exit)
        ? Effect.promise(() => client.end())
        // to say goodbye to a server that does not answer would take as long as that does not
        : Effect.sync(() => client.connection.stream.destroy())
  ).pipe(
    Effect.tap((client) => Effect.tryPromise({ try: () => client.connect(), catch: cannotConnect }))
  )

const cannotConnect = (error: unknown) =>
  new CannotConnect({
    reason: error instanceof AggregateError
      // one for each address of the host
      ? error.errors.map(String).join("; ")
      : error instanceof Error
      ? error.message
      : String(error)
  })
