/**
 * How do I keep a borrower from holding an object for ever, and how does the borrower learn that its time is over?
 *
 * A lease lasts a second here. Under `with` the body is interrupted; under `borrow` the lease's `expired` fails,
 * for the holder to race; and whoever is still alive and well renews.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { PoolService } from "../src/index.ts"

interface Page {
  readonly name: string
}

class Pages extends PoolService<Pages, Page>()("leaseTimeout/Pages") {}

const PagesLayer = Pages.layer({
  objects: [{ name: "page" }],
  leaseTimeout: "1 second",
  // What to do with an object whose lease has expired. Here the page is fine, and may be lent on as it is.
  onLeaseExpired: "return"
})

/** The bracket watches the time: it interrupts the body, whose finalizers run, and fails. */
const hangsInTheBracket = Pages.with(() =>
  Effect.never.pipe(Effect.onInterrupt(() => Console.log("with: interrupted, cleaning up")))
).pipe(
  Effect.catchTag("LeaseExpired", ({ reason }) => Console.log(`with: LeaseExpired, ${reason}`))
)

/** A lease in hand cannot be taken from the hand: the holder races its work against `expired`. */
const hangsWithTheLease = Effect.gen(function*() {
  const lease = yield* Pages.borrow
  return yield* Effect.never.pipe(
    Effect.onInterrupt(() => Console.log("borrow: interrupted, cleaning up")),
    Effect.raceFirst(lease.expired)
  )
}).pipe(
  Effect.scoped,
  Effect.catchTag("LeaseExpired", ({ reason }) => Console.log(`borrow: LeaseExpired, ${reason}`))
)

/** Longer work renews at each of its steps; one step that hung would still be the last. */
const worksAndRenews = Pages.with((lease) =>
  Effect.sleep("400 millis").pipe(
    Effect.andThen(lease.renew),
    Effect.repeat({ times: 4 }),
    Effect.andThen(Console.log("renew: done, after 2 seconds under leases of 1"))
  )
)

const program = Effect.gen(function*() {
  yield* hangsInTheBracket
  yield* hangsWithTheLease
  yield* worksAndRenews

  // Nothing was lost: the page is lent on.
  yield* Pages.with(({ object }) => Console.log(`the ${object.name} is still there`))
  const { available, totals } = yield* Pages.stats
  yield* Console.log(`${available} available, ${totals.borrowed} borrows, ${totals.expired} expired`)
})

program.pipe(Effect.provide(PagesLayer), NodeRuntime.runMain)
