import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"
import { type Postgres, startPostgres } from "../support/postgres.ts"

describe("the example", () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.remove())

  const count = async (what: string, name: "usename" | "rolname" | "datname") => {
    const [row] = await postgres.query(
      `SELECT count(*)::integer AS found FROM ${what} WHERE ${name} LIKE 'tenants\\_example%'`
    )
    return row!["found"] as number
  }

  it("tenants has people wait less where they are a class, lets no more in than may be, and leaves nothing behind", async () => {
    let most = 0
    const looking = setInterval(() => {
      void count("pg_stat_activity", "usename").then((sessions) => most = Math.max(most, sessions), () => {})
    }, 200)
    const lines = await linesOf("tenants/main", {
      env: { ...process.env, DATABASE_URL: postgres.url, TENANTS_SECONDS: "5" }
    }).finally(() => clearInterval(looking))
    const found = (pattern: RegExp) => {
      const [, ...numbers] = lines.map((line) => pattern.exec(line)).find((match) => match !== null)!
      return numbers.map(Number)
    }
    const [slow, fast] = found(/^Pages, .* within (\d+) ms without classes, (\d+) ms with them/)
    const [pieces, piecesByClass] = found(/^Archives: (\d+) pieces without classes, (\d+) with them/)
    const [counted, left] = found(/^Sessions, .* at most (\d+), in the end (\d+)$/)

    assert.include(lines[0], "200 tenants share 12 sessions")
    // on a machine that has nothing else to do, a third at most, and nine tenths at least
    assert.isAtMost(fast!, 0.75 * slow!)
    assert.isAtLeast(piecesByClass!, 0.5 * pieces!)
    for (const sessions of [counted!, most]) assert.isTrue(0 < sessions && sessions <= 12, `${sessions} sessions`)
    assert.strictEqual(left, 0)
    const remains = [
      await count("pg_stat_activity", "usename"),
      await count("pg_roles", "rolname"),
      await count("pg_database", "datname")
    ]
    assert.deepStrictEqual(remains, [0, 0, 0])
  })
})
