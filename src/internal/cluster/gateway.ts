/**
 * How a process of a cluster reaches the host of a pool: for itself, and, as a gateway, for those outside.
 */
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import type { RpcClient } from "effect/rpc/RpcClient"
import * as Stream from "effect/Stream"
import { entityOf } from "./entity.ts"
import type { Failure, Notice, Rpcs, Serving } from "./protocol.ts"

/**
 * The client of the entity of a pool. What `Sharding` itself cannot do becomes an interruption, which says as much as that
 * of a host that stops: ask again.
 */
export const clientOf = (pool: string): Effect.Effect<RpcClient<Rpcs>, never, Sharding> =>
  Effect.map(entityOf(pool).client, (of) => {
    const client = of(pool)
    const again = (call: unknown) => (payload: unknown, options: unknown) =>
      Effect.catchIf((call as Call)(payload, options), isClusters, () => Effect.interrupt)
    return {
      Join: client.Join,
      Watch: client.Watch,
      Renew: again(client.Renew),
      Borrow: again(client.Borrow),
      Return: again(client.Return),
      Act: again(client.Act),
      Operate: again(client.Operate)
    } as unknown as RpcClient<Rpcs>
  })

type Call = (payload: unknown, options: unknown) => Effect.Effect<unknown, Failure>

const clusters = ["MailboxFull", "AlreadyProcessingMessage", "PersistenceError", "EntityNotAssignedToRunner"]

const isClusters = (error: { readonly _tag: string }): boolean => clusters.includes(error._tag)

const passed = (mostText: number | undefined) => (notice: Notice): Notice =>
  notice._tag === "Welcome" && mostText !== undefined ? { ...notice, mostText } : notice

/**
 * Passes on to the host whatever it is asked. A session of the gateway's is one of the host's, under the same name. How much
 * of a message is taken is what the gateway takes.
 */
export const gateway = (pool: string, mostText: number | undefined): Effect.Effect<Serving, never, Sharding> =>
  Effect.map(clientOf(pool), (client): Serving => ({
    Join: (payload) => Stream.toQueue(Stream.map(client.Join(payload), passed(mostText)), { capacity: 16 }),
    Watch: (payload) => client.Watch(payload),
    Renew: (payload) => client.Renew(payload),
    Borrow: (payload) => client.Borrow(payload),
    Return: (payload) => client.Return(payload),
    Act: (payload) => client.Act(payload),
    Operate: (payload) => client.Operate(payload)
  }))
