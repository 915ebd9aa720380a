/**
 * How do I share rate-limited keys among processes, whatever becomes of them?
 *
 * Three processes, of which one is the host of a pool of five keys at a time; and six that borrow from it, to use them at a
 * server. One borrower is killed, one is frozen, the host is killed, the next one is told to stop. Shown is who holds what,
 * and at the end what has become of it, by the count of the server, which would have noticed two holders of one key at once:
 *
 *   npm run example:cluster
 *
 * It starts a PostgreSQL of its own, or uses the one that `DATABASE_URL` names, and leaves its tables there. With
 * `CLUSTER_CALM="500 millis"` less time passes between the incidents. It needs signals that Windows does not have.
 *
 * For a cluster of yours, take from here:
 *
 * - `keys.ts`: what is shared;
 * - `host.ts`: the process that hosts it, of which several run, so that another can take over;
 * - `borrower.ts`: the process that borrows, and `server.ts`: what it does under the lease;
 * - `settings.ts`: what both are told by the environment.
 *
 * All that is only to be shown is in `demo`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { demo } from "./demo/demo.ts"

demo.pipe(
  Effect.filterOrFail((kept) => kept),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
