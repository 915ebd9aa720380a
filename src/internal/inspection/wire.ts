/**
 * What a terminal draws of a frame, as it has to look: what comes from a server may be anything, and a server of a later
 * version may say more.
 */
import * as Schema from "effect/Schema"

const Count = Schema.Finite
/** What a date can say. */
const Moment = Schema.Finite.check(Schema.isBetween({ minimum: -8.64e15, maximum: 8.64e15 }))
const more = [Schema.Unknown] as const

const Stats = Schema.Struct({
  size: Count,
  min: Count,
  max: Schema.optionalKey(Count),
  making: Count,
  waiting: Count,
  leases: Count,
  classes: Schema.optionalKey(Schema.Record(
    Schema.String,
    Schema.Struct({
      leases: Count,
      waiting: Count,
      reserve: Count,
      most: Schema.optionalKey(Count)
    })
  ))
})

const Picture = Schema.Struct({
  id: Count,
  name: Schema.String,
  life: Schema.String,
  suspended: Schema.Boolean,
  stats: Stats,
  objects: Schema.Struct({
    cells: Schema.optionalKey(Schema.Struct({ letters: Schema.String })),
    rows: Schema.Array(Schema.TupleWithRest(Schema.Tuple([Count, Schema.String]), more))
  }),
  waiters: Schema.Array(Schema.TupleWithRest(Schema.Tuple([Schema.Union([Count, Schema.String]), Moment]), more)),
  keys: Schema.optionalKey(Schema.Struct({
    rows: Schema.Array(
      Schema.TupleWithRest(Schema.Tuple([Schema.String, Count, Count, Count, Count, Moment, Count]), more)
    ),
    rest: Schema.Struct({ keys: Count, objects: Count, leases: Count, waiting: Count }),
    asleep: Count
  })),
  allowances: Schema.optionalKey(
    Schema.Array(Schema.TupleWithRest(Schema.Tuple([Schema.String, Count, Count, Count, Count]), more))
  ),
  borrowers: Schema.optionalKey(
    Schema.Array(Schema.TupleWithRest(Schema.Tuple([Schema.String, Count, Count, Moment]), more))
  ),
  moreBorrowers: Schema.optionalKey(Count),
  back: Schema.optionalKey(Schema.Array(Schema.TupleWithRest(Schema.Tuple([Count, Moment, Schema.String]), more)))
})

const Seconds = Schema.Struct({
  pool: Count,
  borrows: Schema.Array(Count),
  p99: Schema.Array(Count),
  minute: Schema.Struct({ p50: Count, p99: Count, timeouts: Count })
})

const Event = Schema.TupleWithRest(
  Schema.Tuple([Count, Count, Moment, Schema.String, Count, Count, Schema.String]),
  more
)

const Drawn = Schema.Struct({
  at: Moment,
  full: Schema.Boolean,
  pools: Schema.Array(Count),
  more: Count,
  troubles: Schema.Array(Schema.Struct({
    name: Schema.String,
    severity: Schema.Literals(["bad", "warning", "note"]),
    text: Schema.String
  })),
  changed: Schema.Array(Picture),
  seconds: Schema.Array(Seconds),
  events: Schema.Array(Event)
})
export type Drawn = typeof Drawn.Type
export type DrawnPicture = typeof Picture.Type
export type DrawnSeconds = typeof Seconds.Type
export type DrawnEvent = typeof Event.Type

export const isDrawn: (value: unknown) => value is Drawn = Schema.is(Drawn)
