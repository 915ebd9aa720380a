/** What the frames have told so far. */
import {
  type EventRow,
  type Frame,
  history,
  type Letter,
  type Minute,
  type ObjectRow,
  type PoolPicture,
  type Seconds
} from "../src/internal/inspection/frame.ts"
import type { PoolEvent } from "../src/PoolEvent.ts"

/** The statuses, in the order in which they are shown. */
export const letters: ReadonlyArray<Letter> = ["A", "B", "O", "P", "D", "U", "I"]
export const names: Readonly<Record<Letter, string>> = {
  A: "Available",
  B: "Borrowed",
  O: "Overdue",
  P: "Pending",
  D: "Dormant",
  U: "Unknown",
  I: "Invalid"
}
export const signs: Readonly<Record<Letter, string>> = { A: "", B: "", O: "!", P: "…", D: "z", U: "?", I: "×" }

const everyday: ReadonlySet<string> = new Set<PoolEvent["_tag"]>(["Borrowed", "Released", "StatusChanged", "Detected"])

/** How many events of each kind are kept. */
export const kept = 1000

type Series = "borrows" | "p50" | "p99" | "timeouts"

export interface Pool {
  readonly id: number
  picture: PoolPicture
  rows: ReadonlyMap<number, ObjectRow>
  /** Ids and letters of all objects, whether they came in detail or not. */
  ids: ReadonlyArray<number>
  letters: string
  lettersOf: ReadonlyMap<number, Letter> | undefined
  /** When the status of an object was seen to change. */
  readonly flashes: Map<number, number>
  minute: Minute | undefined
  seconds: ({ end: number } & Record<Series, Array<number>>) | undefined
}

interface State {
  /** By the clock of the server. */
  at: number
  received: number
  /** Since when the server is gone; 0: it is there. */
  lostAt: number
  actions: boolean
  order: ReadonlyArray<number>
  more: number
  troubles: Frame["troubles"]
  readonly pools: Map<number, Pool>
  everyday: Array<EventRow>
  notable: Array<EventRow>
}

export const state: State = {
  at: 0,
  received: 0,
  lostAt: 0,
  actions: false,
  order: [],
  more: 0,
  troubles: [],
  pools: new Map(),
  everyday: [],
  notable: []
}

/** The time of the server, between frames as well; where it is gone, of the moment when it went: nothing grows older then. */
export const now = (): number =>
  state.at + (state.lostAt > 0 ? Math.max(state.received, state.lostAt) : performance.now()) - state.received

/** The pools in the order in which they were built. */
export const pools = (): ReadonlyArray<Pool> =>
  state.order.map((id) => state.pools.get(id)).filter((pool) => pool !== undefined)

export const take = (frame: Frame, actions: boolean): void => {
  if (frame.full) {
    state.everyday = []
    state.notable = []
    for (const pool of state.pools.values()) pool.seconds = undefined
  }
  state.at = frame.at
  state.received = performance.now()
  state.actions = frame.actions && actions
  state.order = frame.pools
  state.more = frame.more
  state.troubles = frame.troubles
  for (const id of state.pools.keys()) if (!frame.pools.includes(id)) state.pools.delete(id)
  for (const picture of frame.changed) see(picture)
  for (const fresh of frame.seconds) remember(state.pools.get(fresh.pool), fresh)
  for (const event of frame.events) (everyday.has(event[3]) ? state.everyday : state.notable).push(event)
  state.everyday.splice(0, Math.max(0, state.everyday.length - kept))
  state.notable.splice(0, Math.max(0, state.notable.length - kept))
}

const see = (picture: PoolPicture): void => {
  const known = state.pools.get(picture.id)
  const pool: Pool = known ?? {
    id: picture.id,
    picture,
    rows: new Map(),
    ids: [],
    letters: "",
    lettersOf: undefined,
    flashes: new Map(),
    minute: undefined,
    seconds: undefined
  }
  pool.picture = picture
  index(pool)
  state.pools.set(picture.id, pool)
}

const index = (pool: Pool): void => {
  const { cells, rows } = pool.picture.objects
  pool.rows = new Map(rows.map((row) => [row[0], row]))
  if (cells === undefined) {
    pool.ids = rows.map(([id]) => id)
    pool.letters = rows.map(([, letter]) => letter).join("")
    const before = pool.lettersOf
    for (const [id, letter] of rows) {
      if (before !== undefined && before.get(id) !== letter) pool.flashes.set(id, performance.now())
    }
    pool.lettersOf = new Map(rows.map(([id, letter]) => [id, letter]))
    return
  }
  const ids: Array<number> = []
  for (let i = 0; i < cells.runs.length; i += 2) {
    for (let k = 0; k < cells.runs[i + 1]!; k++) ids.push(cells.runs[i]! + k)
  }
  pool.ids = ids
  pool.letters = cells.letters
  pool.lettersOf = undefined
  pool.flashes.clear()
}

/** Puts new seconds behind those that are known, by their time: there may be a gap. */
const remember = (pool: Pool | undefined, fresh: Seconds): void => {
  if (pool === undefined) return
  pool.minute = fresh.minute
  const known = pool.seconds ??= { end: fresh.from, borrows: [], p50: [], p99: [], timeouts: [] }
  for (const key of ["borrows", "p50", "p99", "timeouts"] as const) {
    const values = known[key]
    for (let second = Math.max(known.end, fresh.from - history); second < fresh.from; second++) values.push(-1)
    values.push(...fresh[key].slice(Math.max(0, known.end - fresh.from)))
    values.splice(0, Math.max(0, values.length - history))
  }
  known.end = Math.max(known.end, fresh.from + fresh.borrows.length)
}

/** Who borrows. */
export const borrower = (owner: number | string): string =>
  typeof owner === "string" ? owner : owner === 0 ? "a promise" : `fiber #${owner}`
