/**
 * How does a borrower get more than the bare object, and how does something begin and end with the lease?
 *
 * Each connection carries data of its own, its region. What a borrower gets is not the connection but a transaction on
 * it: `pack` begins it under the lease, and the end of the lease commits it, or rolls it back if the work failed.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Exit, Schema } from "effect"
import { type Lease, PoolService } from "../src/index.ts"

interface Connection {
  readonly name: string
  readonly execute: (sql: string) => Effect.Effect<void>
}

interface Transaction {
  readonly region: string
  readonly execute: (sql: string) => Effect.Effect<void>
}

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", {}) {}

const connect = (name: string): Connection => ({ name, execute: (sql) => Console.log(`${name}: ${sql}`) })

class Transactions extends PoolService<Transactions, Connection, {
  data: { readonly region: string }
  pack: Transaction
}>()("customLease/Transactions") {}

/** Its scope is the lease's: it closes when the lease ends, with the exit of the work. */
const begin = ({ data, object }: Lease<Connection, { readonly region: string }>) =>
  Effect.acquireRelease(
    Effect.as(object.execute("BEGIN"), { region: data.region, execute: object.execute }),
    (_, exit) => object.execute(Exit.isSuccess(exit) ? "COMMIT" : "ROLLBACK")
  )

const TransactionsLayer = Transactions.layer({
  objects: [connect("berlin-1")],
  data: (connection) => ({ region: connection.name.startsWith("berlin") ? "eu" : "us" }),
  pack: begin
})

const transfer = (amount: number) =>
  Transactions.with((transaction) =>
    Effect.gen(function*() {
      yield* transaction.execute(`UPDATE accounts_${transaction.region} SET balance = balance - ${amount}`)
      if (amount > 100) return yield* new Overdrawn()
      return amount
    })
  )

const program = Effect.gen(function*() {
  yield* Console.log(`transferred ${yield* transfer(70)}`)
  yield* transfer(700).pipe(Effect.catchTag("Overdrawn", () => Console.log("refused, and rolled back")))

  // Without the bracket it is the same: the transaction ends with the scope.
  yield* Effect.scoped(Effect.gen(function*() {
    const transaction = yield* Transactions.borrow
    yield* transaction.execute("SELECT 1")
  }))
})

program.pipe(Effect.provide(TransactionsLayer), NodeRuntime.runMain)
