/**
 * What is remembered of an object: what it rests for, what is counted of it, and how often it has failed. As a record, and as
 * the text of an entry of a store. Nothing of the object itself is in it, nor its data.
 *
 * Times are milliseconds from the moment of the wall clock at which the record was made. The time since then counts as passed:
 * by the wall clock, since no other goes on while nobody runs; and as none, where that has been set back meanwhile. So an
 * object rests, and a window lasts, no less than it was told.
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import type { Counted } from "./allowances.ts"
import { facetsOf, reckonFacet, restFacet } from "./facets.ts"
import { worst } from "./outliers.ts"
import { type End, type Rest, resting } from "./rest.ts"
import { reckon, restLater } from "./resting.ts"

/** What lasts longer lasts for ever, or makes no sense. */
const century = 100 * 365.25 * 86_400_000

/** More than this of anything makes no sense. */
const most = Number.MAX_SAFE_INTEGER

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))

const Ago = between(-century, 0)
const Ahead = between(0, century)
const Amount = between(0, most)
const Times = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))

/** How long something rests: `null` is for ever. */
const rests = {
  /** On the monotonic clock, and until a moment of the wall clock. */
  rest: Schema.optionalKey(Schema.NullOr(Ahead)),
  moment: Schema.optionalKey(Schema.NullOr(Ahead)),
  counts: Schema.optionalKey(Schema.Array(Schema.Struct({
    name: Schema.String,
    taken: Schema.Array(Schema.Tuple([Ago, Amount])).check(Schema.isMaxLength(2000)),
    said: Schema.optionalKey(Schema.Tuple([Ago, Amount, Ahead]))
  })))
}

const Remembered = Schema.Struct({
  version: Schema.Literal(1),
  at: between(0, 8.64e15),
  ...rests,
  facets: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, ...rests }))),
  failures: Schema.optionalKey(Times),
  outlier: Schema.optionalKey(Schema.Struct({ failures: Times, rests: Times, rest: Schema.NullOr(Ahead) })),
  trial: Schema.optionalKey(Schema.Boolean)
})

export type Remembered = typeof Remembered.Type

type Resting = Pick<Remembered, "rest" | "moment" | "counts">

/** What is known of an object now. `until`: when all that rests, and all that is counted, is over, on the wall clock. */
export interface Known {
  readonly record: Remembered
  readonly until: number
  /** There is nothing to remember. */
  readonly isEmpty: boolean
}

/** What is known of an object now; what outlasts the object alone, where it leaves for good. */
export const know = <A, D>(core: Core<A, D>, entry: Entry<A, D>, leaves: boolean): Known => {
  const at = core.moments.now()
  const known = knowRests(core, at, entry.rest, entry.allowances?.counted)
  const facets: Array<Resting & { readonly name: string }> = []
  let { until } = known
  for (const [name, facet] of entry.facets?.known ?? []) {
    const own = knowRests(core, at, facet.rest, facet.allowances.counted)
    if (own.until <= at) continue
    facets.push({ name, ...own.resting })
    until = Math.max(until, own.until)
  }
  const judged = leaves && until <= at ? {} : knowVerdicts(core, entry)
  return {
    record: { version: 1, at, ...known.resting, ...facets.length > 0 && { facets }, ...judged },
    until,
    isEmpty: until <= at && Object.keys(judged).length === 0
  }
}

const knowRests = <A, D>(
  core: Core<A, D>,
  at: number,
  rest: Rest<A, D> | undefined,
  counted: { readonly counts: ReadonlyArray<Counted>; readonly until: number } | undefined
): { readonly resting: Resting; readonly until: number } => {
  const forRest = (rest?.until ?? -Infinity) - core.deadlines.now()
  const forMoment = (rest?.moment ?? -Infinity) - at
  return {
    resting: {
      ...forRest > 0 && { rest: span(forRest) },
      ...forMoment > 0 && { moment: span(forMoment) },
      ...counted !== undefined && counted.counts.length > 0 && { counts: counted.counts.map(bounded) }
    },
    until: Math.max(at + forRest, at + forMoment, counted?.until ?? -Infinity)
  }
}

const span = (millis: number): number | null => millis > century ? null : Math.ceil(millis)

/** What is more than makes sense counts as the most that does: a debt without measure, a moment of another age. */
const bounded = ({ name, said, taken }: Counted): Counted => ({
  name,
  taken: taken.map(([at, amount]) => [Math.max(at, -century), Math.min(amount, most)] as const),
  ...said && { said: [Math.max(said[0], -century), Math.min(said[1], most), Math.min(said[2], century)] as const }
})

const knowVerdicts = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>
): Pick<Remembered, "failures" | "outlier" | "trial"> => {
  const { failures, onTrial } = entry
  const row = worst(entry)
  const rest = span(Math.max(0, (row?.until ?? -Infinity) - core.deadlines.now()))
  return {
    ...failures > 0 && { failures },
    ...row !== undefined && row.failures + row.rests + (rest ?? Infinity) > 0 &&
      { outlier: { failures: row.failures, rests: row.rests, rest } },
    ...onTrial !== 0 && { trial: true }
  }
}

/** What the text of an entry says; nothing where it makes no sense. */
export const read = (text: unknown): Remembered | undefined => {
  const exit = decode(text)
  return Exit.isSuccess(exit) ? exit.value : undefined
}

const decode = Schema.decodeUnknownExit(Schema.fromJsonString(Remembered))

export const write = ({ record }: Known): string => JSON.stringify(record)

/** An object that has joined, and has not been offered, goes on with what was known of it. */
export const recall = <A, D>(core: Core<A, D>, entry: Entry<A, D>, record: Remembered): void => {
  const { at, counts = [], facets = [] } = record
  const now = core.deadlines.now()
  const since = { wall: at, monotonic: now - Math.max(0, core.moments.now() - at) }
  entry.allowances?.countAnew(counts, since)
  for (const end of endsOf(record, since)) restLater(core, entry, end)
  reckon(core, entry)
  for (const { counts = [], name, ...rests } of facets) {
    facetsOf(core, entry).of(name).allowances.countAnew(counts, since)
    for (const end of endsOf(rests, since)) restFacet(core, entry, name, end, "Asked")
    reckonFacet(core, entry, name)
  }
  recallVerdicts(core, entry, record, since.monotonic)
  wakesAsked(core, entry)
}

const recallVerdicts = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  { failures = 0, outlier, trial = false }: Remembered,
  since: number
): void => {
  entry.failures += failures
  // whatever lease comes is one after the rest
  if (trial && core.detector === undefined) entry.onTrial = -1
  if (outlier === undefined) return
  entry.outlying = { known: { ...outlier, spared: false, until: since + (outlier.rest ?? Infinity) }, rows: [] }
}

const endsOf = (
  { moment, rest }: Resting,
  since: { readonly monotonic: number; readonly wall: number }
): ReadonlyArray<End> => {
  const end = (clock: End["clock"], millis: number | null | undefined): ReadonlyArray<End> =>
    millis === undefined ? [] : [{ clock, at: since[clock] + (millis ?? Infinity) }]
  return [...end("monotonic", rest), ...end("wall", moment)]
}

/** An object that rests as it joins has had no detection: it has its first as it wakes, though its allowances alone were spent. */
const wakesAsked = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.detector === undefined || !core.options.detection.onAdd || !resting(entry)) return
  entry.rest!.isUnsure = true
}
