/** What is read: a database that lets in so many sessions, in which each tenant has a role, and sees its own documents. */
import { Context, Duration, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { Database } from "../httpServer/postgres.ts"
import { Session } from "../httpServer/session.ts"

/** Tenants are known by number, from 1. */
export const tenants = 200

/** The sessions that the server lets in at once. */
export const sessions = 12

const database = "tenants_example"
const role = (tenant: number | string) => `tenants_example_${tenant}`

export class Archive extends Context.Service<Archive, {
  /** How a tenant gets in. */
  readonly urlOf: (tenant: number) => URL
  /** How many sessions there are, by the server's own count. */
  readonly count: Effect.Effect<number>
}>()("tenants/Archive") {
  static readonly layer = Layer.effect(
    Archive,
    Effect.gen(function*() {
      const { url } = yield* Database
      const operator = yield* open(url)
      const secret = randomUUID()
      yield* Effect.acquireRelease(operator.query(makeRoles(secret)), () => Effect.orDie(operator.query(dropRoles)))
      yield* Effect.acquireRelease(
        // the operator's own session is in another database: it takes no place in this one
        operator.query(`CREATE DATABASE ${database} CONNECTION LIMIT ${sessions}`),
        () => Effect.orDie(operator.query(`DROP DATABASE ${database}`))
      )
      yield* Effect.scoped(Effect.flatMap(open(inDatabase(url)), (session) => session.query(makeDocuments)))
      return Archive.of({
        urlOf: (tenant) => {
          const own = inDatabase(url)
          own.username = role(tenant)
          own.password = secret
          return own
        },
        count: operator.query(countSessions).pipe(
          Effect.map(([row]) => (row as { readonly sessions: number }).sessions),
          Effect.orDie
        )
      })
    })
  )
}

const open = (url: URL) =>
  Session.open({ url, application: "tenants: operator", statementTimeout: Duration.seconds(60), onLost: () => {} })

const inDatabase = (url: URL): URL => Object.assign(new URL(url), { pathname: `/${database}` })

const eachTenant = (statement: string) => `
  DO $$ BEGIN
    FOR tenant IN 1..${tenants} LOOP EXECUTE ${statement}; END LOOP;
  END $$`

/** To open a session costs more than to read a page as it is: what guards a password against guesses is not for an example. */
const makeRoles = (secret: string) =>
  "SELECT set_config(name, '64', false) FROM pg_settings WHERE name = 'scram_iterations';" +
  eachTenant(`format('CREATE ROLE ${role("%s")} LOGIN PASSWORD %L', tenant, '${secret}')`)

const dropRoles = eachTenant(`format('DROP ROLE IF EXISTS ${role("%s")}', tenant)`)

/** A tenant sees no documents but its own, whatever it asks. */
const makeDocuments = `
  CREATE TABLE documents (tenant name, id integer, text text NOT NULL, PRIMARY KEY (tenant, id));
  INSERT INTO documents
    SELECT '${role("")}' || tenant, id, 'document ' || id
    FROM generate_series(1, ${tenants}) AS tenant, generate_series(1, 100) AS id;
  ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON documents USING (tenant = current_user);
  GRANT SELECT ON documents TO PUBLIC;
  ANALYZE documents`

const countSessions = `
  SELECT count(*)::integer AS sessions FROM pg_stat_activity
  WHERE datname = '${database}' AND backend_type = 'client backend'`
