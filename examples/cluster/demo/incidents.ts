/** What befalls the processes, and how long it takes until the keys that it concerns are with somebody else. */
import { Effect, Option, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Fence } from "../../../src/cluster.ts"
import type { Account } from "./account.ts"
import { Crew, type Host } from "./crew.ts"
import type { Member } from "./member.ts"
import { millis, RateLimited } from "./server.ts"

export interface Incident {
  readonly what: string
  /** How many keys had to go to somebody else. */
  readonly keys: number
  /** After how many milliseconds the server has seen all of them in use again; `undefined`: not within a minute. */
  readonly took: number | undefined
  /** How many leases were said to be lost by those who had them. */
  readonly lost: number
}

type Say = (what: string) => Effect.Effect<void>

const often = Schedule.spaced("10 millis")

/** Looks until there is something to see. */
const until = <A, R>(look: Effect.Effect<A | undefined, never, R>): Effect.Effect<A, never, R> =>
  Effect.map(Effect.repeat(look, { until: (seen) => seen !== undefined, schedule: often }), (seen) => seen as A)

/** Keys, each with the fence after which a lease is somebody else's. */
type Held = ReadonlyArray<readonly [Account, Fence]>

/** When the last of the keys was first used under a newer lease. */
const handedOn = (held: Held) =>
  until(Effect.sync(() => {
    const next = held.map(([{ leases }, fence]) => leases.find((seen) => Fence.compare(seen.fence, fence) > 0)?.since)
    return next.every((since) => since !== undefined) ? Math.max(...next) : undefined
  }))

/** Does it, and measures. */
const happen = Effect.fnUntraced(function*(say: Say, what: string, held: Held, cause: Effect.Effect<unknown>) {
  const borrowers = [...(yield* Crew).borrowers.values()]
  const lost = () => borrowers.reduce((sum, member) => sum + member.lost(), 0)
  const before = lost()
  const began = yield* millis
  yield* cause
  yield* say(`${what}${held.length === 0 ? "" : `, with ${held.map(([{ name }]) => name).join(", ")}`}`)
  const at = Option.getOrUndefined(yield* Effect.timeoutOption(handedOn(held), "1 minute"))
  const took = at === undefined ? undefined : Math.max(0, at - began)
  yield* say(took === undefined ? "in vain: nobody else has got them" : `others have got them after ${shown(took)}`)
  return (): Incident => ({ what, keys: held.length, took, lost: lost() - before })
})

export const shown = (millis: number): string =>
  millis < 1000 ? `${millis.toFixed(0)} ms` : `${(millis / 1000).toFixed(1)} s`

/** A borrower that has just begun to use a key, and what it holds. */
const holder = Effect.gen(function*() {
  const [{ borrowers }, { accounts }] = [yield* Crew, yield* RateLimited]
  const member = yield* until(Effect.map(millis, (now) => {
    const newest = accounts.flatMap(({ newest }) => newest ?? []).toSorted((a, b) => b.since - a.since)[0]
    return newest !== undefined && now - newest.since < 50 ? borrowers.get(newest.by) : undefined
  }))
  const held = accounts.flatMap((account) =>
    account.newest?.by === member.name ? [[account, account.newest.fence] as const] : []
  )
  return { member, held }
})

/** Which of the hosts it is, by the record of the cluster; and all keys, which it has lent. */
const hosting = Effect.gen(function*() {
  const [{ hosts }, { accounts }, sql] = [yield* Crew, yield* RateLimited, yield* SqlClient.SqlClient]
  const member = yield* until(
    Effect.map(
      Effect.orDie(sql<{ readonly address: string }>`SELECT address FROM shared_pool_primary`),
      (rows) => [...hosts.values()].find(({ address }) => address === rows[0]?.address)
    )
  )
  const epoch = Math.max(...accounts.map(({ newest }) => newest?.fence.epoch ?? 0))
  return { member, held: accounts.map((account) => [account, { epoch, number: Infinity }] as const) }
})

const remove = (members: Map<string, Member> | Map<string, Host>, { name }: Member) =>
  Effect.sync(() => members.delete(name))

/** Its connections end, and its keys go back at once. */
export const borrowerKilled = Effect.fnUntraced(function*(say: Say) {
  const crew = yield* Crew
  const { held, member } = yield* holder
  const incident = yield* happen(say, `${member.name} is killed`, held, member.signal("SIGKILL"))
  yield* remove(crew.borrowers, member)
  yield* crew.addBorrower
  return incident()
})

/** Nobody hears of it: its keys go back after the time to live. As it wakes, it knows that, and does nothing more with them. */
export const borrowerFrozen = Effect.fnUntraced(function*(say: Say) {
  const { accounts } = yield* RateLimited
  const { held, member } = yield* holder
  const incident = yield* happen(say, `${member.name} is frozen`, held, member.signal("SIGSTOP"))
  yield* Effect.sleep("1 second")
  const woken = yield* millis
  yield* member.signal("SIGCONT")
  yield* say(`${member.name} is woken`)
  const again = until(
    Effect.sync(() =>
      accounts.some(({ newest }) => newest?.by === member.name && newest.since > woken) ? true : undefined
    )
  )
  yield* Effect.timeoutOption(again, "1 minute")
  return incident()
})

/** Another grants when every lease of the one that is gone is over at its borrower. Those who wait go on to it. */
export const hostKilled = Effect.fnUntraced(function*(say: Say) {
  const crew = yield* Crew
  const { held, member } = yield* hosting
  const incident = yield* happen(say, `${member.name} is killed`, held, member.signal("SIGKILL"))
  yield* remove(crew.hosts, member)
  yield* crew.addHost
  return incident()
})

/** It grants nothing more; when what it has lent is back, another grants at once. */
export const hostStopped = Effect.fnUntraced(function*(say: Say) {
  const crew = yield* Crew
  const { held, member } = yield* hosting
  const incident = yield* happen(say, `${member.name} is told to stop`, held, member.stop)
  yield* member.ended
  yield* remove(crew.hosts, member)
  yield* crew.addHost
  return incident()
})
