/** The keys of a pool of many: those in trouble, and those that have most, first; of the others the sums. */
import type { Many } from "../state/core.ts"
import { type KeyRow, type KeysPicture, keysShown } from "./frame.ts"
import { millis } from "./limits.ts"
import type { Viewer } from "./snapshot.ts"

export const keysOf = (
  many: Many<never, never>,
  { describeKey, sinceEpoch }: Pick<Viewer, "describeKey" | "sinceEpoch">
): KeysPicture => {
  const first: Array<KeyRow> = []
  const rest = { keys: 0, objects: 0, leases: 0, waiting: 0 }
  const leave = ([, objects, leases, , waiting]: KeyRow): void => {
    rest.keys++
    rest.objects += objects
    rest.leases += leases
    rest.waiting += waiting
  }
  const places = new Map<KeyRow, { readonly key: unknown; readonly number: number }>()
  let awake = 0
  for (const { place, registry, waiters, leases, retry } of many.parts()) {
    if (place === undefined) continue
    awake++
    const since = waiters.first === undefined ? 0 : millis(waiters.first.since + sinceEpoch)
    const row: KeyRow = [
      "",
      registry.size,
      leases,
      registry.counts.Available,
      waiters.size,
      since,
      retry.failing ? 1 : 0
    ]
    if (first.length === keysShown && !comesBefore(row, first[keysShown - 1]!)) {
      leave(row)
      continue
    }
    let at = first.length
    while (at > 0 && comesBefore(row, first[at - 1]!)) at--
    first.splice(at, 0, row)
    places.set(row, place)
    if (first.length > keysShown) leave(first.pop()!)
  }
  const named = first.map((row): KeyRow => {
    const { key, number } = places.get(row)!
    const [, ...counts] = row
    return [describeKey(key, number), ...counts]
  })
  return { rows: named, rest, asleep: many.size - awake }
}

const comesBefore = (one: KeyRow, other: KeyRow): boolean =>
  one[4] !== other[4] ? one[4] > other[4] : one[2] !== other[2] ? one[2] > other[2] : one[1] > other[1]
