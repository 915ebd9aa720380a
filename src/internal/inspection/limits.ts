/** What there is to see of limits: of one object, and of all together. */
import type { Allowances } from "../object/allowances.ts"
import type { Entry } from "../state/entry.ts"
import {
  type AllowanceRow,
  allowancesShown,
  type BackRow,
  backShown,
  type FacetRow,
  type Limits,
  type SumRow
} from "./frame.ts"
import { because, shortName } from "./words.ts"

type AnyEntry = Entry<never, never>

/** A time that JSON has a number for. */
export const millis = (time: number | undefined): number =>
  time === undefined || time < 0 || time > 8.64e15 ? 0 : Math.round(time)

/** Hundredths are enough: what is refilled evenly is seldom a whole number. */
const rounded = (amount: number): number => Number.isFinite(amount) ? Math.round(amount * 100) / 100 : 0

/** Why an object rests; nothing where it does not. */
const why = ({ allowances, rest }: AnyEntry): string | undefined =>
  rest === undefined ? undefined : because(rest.reason, allowances?.spent)

/** What there is to say of the limits of an object: absent where that is nothing. */
export const limitsOf = (entry: AnyEntry, sinceEpoch: number): Limits | undefined => {
  const allowances = entry.allowances?.readings ?? []
  const facets = entry.facets?.states ?? []
  const limits: Limits = {
    why: entry.wakesAtMillis === undefined ? undefined : why(entry),
    failures: some(entry.failures),
    allowances: allowances.length === 0 ? undefined : allowances.slice(0, allowancesShown).map(toRow(sinceEpoch)),
    facets: facets.length === 0 ? undefined : facets.slice(0, allowancesShown).map(toFacetRow),
    more: some(beyond(allowances) + beyond(facets))
  }
  return Object.values(limits).every((part) => part === undefined) ? undefined : limits
}

const some = (n: number): number | undefined => n > 0 ? n : undefined
const beyond = ({ length }: ReadonlyArray<unknown>): number => Math.max(0, length - allowancesShown)

type Reading = Allowances["readings"][number]

const toRow = (sinceEpoch: number) => ({ counter, full, left, limit, name }: Reading): AllowanceRow => [
  shortName(name),
  rounded(left),
  limit,
  millis(counter.clock === "wall" ? full : full + sinceEpoch)
]

const toFacetRow = (
  { allowances, name, rest }: NonNullable<AnyEntry["facets"]>["states"][number]
): FacetRow => [shortName(name), millis(rest.wakesAtMillis), because(rest.reason, allowances.spent)]

/** The allowances of several objects, added up by their names. */
export class Sums {
  private readonly all = new Map<string, [left: number, limit: number, objects: number, spent: number]>()

  add(allowances: Allowances): void {
    for (const { left, limit, name } of allowances.readings) {
      const sum = this.all.get(name)
      // what one object owes takes nothing from another
      const has = Math.max(0, left)
      const spent = left > 0 ? 0 : 1
      if (sum === undefined) {
        this.all.set(name, [has, limit, 1, spent])
        continue
      }
      sum[0] += has
      sum[1] += limit
      sum[2]++
      sum[3] += spent
    }
  }

  get rows(): ReadonlyArray<SumRow> {
    return Array.from(this.all).slice(0, allowancesShown)
      .map(([name, [left, limit, objects, spent]]) => [shortName(name), rounded(left), limit, objects, spent])
  }

  get more(): number {
    return Math.max(0, this.all.size - allowancesShown)
  }
}

/** Of the objects that rest those that are back first, in that order. */
export class Back {
  /** How many of those that are lent rest as well, and take no new leases. */
  benched = 0
  private readonly first: Array<{ readonly entry: AnyEntry; readonly at: number }> = []

  add(entry: AnyEntry): void {
    const at = entry.wakesAtMillis
    if (at === undefined) return
    if (entry.benched) this.benched++
    const { first } = this
    if (at > 8.64e15 || (first.length === backShown && at >= first[backShown - 1]!.at)) return
    let place = first.length
    while (place > 0 && first[place - 1]!.at > at) place--
    first.splice(place, 0, { entry, at })
    if (first.length > backShown) first.pop()
  }

  get rows(): ReadonlyArray<BackRow> {
    return this.first.map(({ at, entry }) => [entry.id, millis(at), why(entry) ?? ""])
  }
}
