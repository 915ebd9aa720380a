/** The pool of sessions, as a service. What a borrower gets is a transaction. */
import { Config, Duration, Effect, Exit, Layer, Schedule, Schema } from "effect"
import { type Lease, PoolService, type Self } from "../../src/index.ts"
import { Database } from "./postgres.ts"
import { type CannotConnect, QueryError, Session, type SessionOptions } from "./session.ts"

/** Begun under the lease, and ended with it: by `COMMIT` if the borrower succeeds, else by `ROLLBACK`. */
export interface Transaction {
  readonly query: Session["query"]
}

const leaseTimeout = Config.Duration("LEASE_TIMEOUT").pipe(Config.withDefault(Duration.seconds(5)))

/** A setting of the environment is laid over the options below. */
const settings = {
  size: {
    min: Config.Int("POOL_MIN").pipe(Config.withDefault(1)),
    max: Config.Int("POOL_MAX").pipe(Config.withDefault(8))
  },
  maxWaiters: Config.Int("MAX_WAITERS").pipe(Config.withDefault(100)),
  borrowTimeout: Config.Duration("BORROW_TIMEOUT").pipe(Config.withDefault(Duration.seconds(2))),
  leaseTimeout
}

export class Sessions extends PoolService<Sessions, Session, {
  error: CannotConnect | QueryError
  pack: Transaction
}>()("httpServer/Sessions") {
  static readonly live = Layer.unwrap(Effect.gen(function*() {
    const { url } = yield* Database
    const statementTimeout = Duration.times(yield* leaseTimeout, 0.8)
    return Sessions.layerConfig({
      acquire: (self) => open({ url, application: "httpServer", statementTimeout }, self),
      // The pool heals itself: a server that is down is tried again, by one session for all, once a second at last. Who
      // borrows meanwhile keeps its deadline.
      creation: { retry: Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")]) },
      // A broken connection is told by an event. This finds the one that has fallen silent.
      detectStatus: ({ object }) => Effect.as(object.query("SELECT 1"), "Available"),
      detection: { timeout: "2 seconds", every: "10 seconds" },
      pack: begin,
      onRelease: ({ object }) => Effect.asVoid(object.query("DISCARD ALL"))
    }, settings)
  }))

  /**
   * Runs in a transaction, which has ended when this has. A finalizer has no error channel: a `COMMIT` that fails is a
   * defect there, and becomes a failure here.
   */
  static transaction<A, E, R>(body: (transaction: Transaction) => Effect.Effect<A, E, R>) {
    return Sessions.with(body).pipe(
      Effect.catchDefect((defect) => isQueryError(defect) ? Effect.fail(defect) : Effect.die(defect))
    )
  }
}

const isQueryError = Schema.is(QueryError)

/**
 * A session that is lost is replaced, whoever has it. Each sees to it that the table is there: the database may come later
 * than the service, or anew.
 */
const open = (options: Omit<SessionOptions, "onLost">, self: Self) =>
  Effect.context<never>().pipe(
    Effect.map(Effect.runForkWith),
    Effect.flatMap((run) =>
      Session.open({
        ...options,
        onLost: ({ pid }, reason) => {
          self.invalidate()
          run(Effect.logWarning(`Session ${pid} is lost: ${reason}`))
        }
      })
    ),
    Effect.tap((session) =>
      session.query(`
      BEGIN;
      SELECT pg_advisory_xact_lock(4711);
      CREATE TABLE IF NOT EXISTS notes (id integer PRIMARY KEY, text text NOT NULL);
      COMMIT`)
    )
  )

const begin = ({ object }: Lease<Session>) =>
  Effect.acquireRelease(
    Effect.as(object.query("BEGIN"), { query: object.query.bind(object) } satisfies Transaction),
    (_, exit) =>
      Exit.isSuccess(exit)
        ? Effect.orDie(object.query("COMMIT"))
        // A session that cannot even roll back fails in `onRelease` as well, and leaves.
        : Effect.ignore(object.query("ROLLBACK"))
  )
