/** The same as on the page, in a terminal: what has come so far, and how it looks in so many columns and rows. */
import { cut } from "./columns.ts"
import {
  allowancesShown,
  type BackRow,
  backShown,
  type BorrowerRow,
  borrowersShown,
  classesShown,
  history,
  keysShown,
  type Letter,
  poolsShown,
  type SumRow,
  troublesShown,
  visible
} from "./frame.ts"
import type { Drawn, DrawnEvent, DrawnPicture, DrawnSeconds } from "./wire.ts"
import { amount, clockTime, plain, plural, short, shortName, span } from "./words.ts"

const letters: ReadonlyArray<Letter> = ["A", "B", "O", "P", "D", "U", "I"]
const names = {
  A: "available",
  B: "borrowed",
  O: "overdue",
  P: "pending",
  D: "dormant",
  U: "unknown",
  I: "invalid"
} as const
/** Of the 16 colours that every terminal has, in the shades that its user has chosen. */
const colours = { A: 32, B: 34, O: 31, P: 33, D: 35, U: 36, I: 90 } as const
const severities = { bad: [31, "●"], warning: [33, "▲"], note: [90, "–"] } as const
const everyday = new Set(["StatusChanged"])

/** What is drawn of a pool: no more of it is kept, however much has come. */
interface Seen {
  readonly name: string
  readonly state: string
  readonly stats: Omit<DrawnPicture["stats"], "classes">
  readonly letters: string
  /** Since when the first of those who wait does; `Infinity`: nobody waits. */
  readonly since: number
  readonly allowances: ReadonlyArray<SumRow>
  readonly back: ReadonlyArray<BackRow>
  readonly keys: DrawnPicture["keys"]
  /** Each with its leases, how many wait, what is in reserve, and at most how many leases. */
  readonly classes: ReadonlyArray<readonly [string, number, number, number, number | undefined]>
  /** Absent: no other process can borrow from it. */
  readonly borrowers: ReadonlyArray<BorrowerRow> | undefined
  readonly moreBorrowers: number
}

interface Past {
  minute?: DrawnSeconds["minute"]
  borrows: Array<number>
  p99: Array<number>
}

const toSeen = ({
  allowances = [],
  back = [],
  borrowers,
  keys,
  life,
  moreBorrowers = 0,
  name,
  objects,
  stats: { classes = {}, ...stats },
  suspended,
  waiters
}: DrawnPicture): Seen => ({
  name: short(name),
  state: life !== "Open" ? short(life.toLowerCase(), 20) : suspended ? "suspended" : "open",
  stats,
  letters: (objects.cells?.letters ?? objects.rows.map(([, letter]) => letter).join("")).slice(0, visible)
    .replace(/[^ABOPDUI]/g, "I"),
  since: waiters.reduce((first, [, since]) => Math.min(first, since), Infinity),
  allowances: allowances.slice(0, allowancesShown)
    .map(([name, left, limit, objects, spent]) => [shortName(name), left, limit, objects, spent]),
  back: back.slice(0, backShown).map(([object, at, why]) => [object, at, short(why, 80)]),
  keys: keys && {
    ...keys,
    rows: keys.rows.slice(0, keysShown).map(([key, ...counts]) => [shortName(key), ...counts])
  },
  classes: Object.entries(classes).slice(0, classesShown)
    .map(([name, { leases, most, reserve, waiting }]) => [shortName(name), leases, waiting, reserve, most]),
  borrowers: borrowers?.slice(0, borrowersShown).map(([name, leases, waiting, since]) =>
    [shortName(name), leases, waiting, since] as const
  ),
  moreBorrowers
})

/** What the frames of a stream have told so far. */
export class Story {
  private readonly pools = new Map<number, Seen & Past>()
  private events: Array<DrawnEvent> = []
  private last: Pick<Drawn, "at" | "more" | "pools" | "troubles"> | undefined = undefined

  take(frame: Drawn): void {
    if (frame.full) {
      this.pools.clear()
      this.events = []
    }
    const pools = frame.pools.slice(0, poolsShown)
    const listed = new Set(pools)
    for (const picture of frame.changed) {
      if (!listed.has(picture.id)) continue
      const { borrows = [], minute, p99 = [] } = this.pools.get(picture.id) ?? {}
      this.pools.set(picture.id, { ...toSeen(picture), borrows, p99, ...minute !== undefined && { minute } })
    }
    for (const id of this.pools.keys()) if (!listed.has(id)) this.pools.delete(id)
    for (const { borrows, minute, p99, pool } of frame.seconds) {
      const seen = this.pools.get(pool)
      if (seen === undefined) continue
      seen.minute = minute
      seen.borrows = [...seen.borrows, ...borrows].slice(-history)
      seen.p99 = [...seen.p99, ...p99].slice(-history)
    }
    const told = frame.events.filter(([, , , tag]) => !everyday.has(tag)).slice(-200)
      .map((
        [seq, pool, at, tag, object, lease, text]
      ): DrawnEvent => [seq, pool, at, short(tag, 40), object, lease, short(text)])
    this.events = [...this.events, ...told].slice(-200)
    this.last = {
      at: frame.at,
      more: frame.more + frame.pools.length - pools.length,
      pools,
      troubles: frame.troubles.slice(0, troublesShown + 1)
        .map(({ name, severity, text }) => ({ name: short(name), severity, text: short(text, 1000) }))
    }
  }

  /** As many lines as there is room for, none longer than `columns`; what is cut says so. */
  lines(view: View): ReadonlyArray<string> {
    const { last } = this
    if (last === undefined) return [fit(view, [[view.note]])]
    const pools = last.pools.map((id) => this.pools.get(id)).filter((seen) => seen !== undefined)
    const lines = [
      fit(view, [["Pools", 1], [`  ${view.url}  ${clockTime(last.at)}  ${view.note}`, 90]]),
      ...troubles(view, last.troubles, pools),
      ...pools.flatMap((seen) => ["", ...pool(view, seen, last.at)]),
      ...(last.more > 0 ? ["", fit(view, [[`… and ${plural(last.more, "pool")} more`]])] : [])
    ]
    const room = view.rows - lines.length - 2
    if (room >= 2 && this.events.length > 0) {
      const of = new Map([...this.pools].map(([id, { name }]) => [id, name]))
      lines.push(
        "",
        fit(view, [["Events", 1]]),
        ...this.events.slice(-room).reverse().map((row) => event(view, row, of))
      )
    }
    if (lines.length <= view.rows) return lines
    const shown = Math.max(0, view.rows - 1)
    return [...lines.slice(0, shown), fit(view, [[`… ${plural(lines.length - shown, "line")} more`, 90]])].slice(
      0,
      view.rows
    )
  }
}

export interface View {
  readonly url: string
  readonly columns: number
  readonly rows: number
  readonly colour: boolean
  readonly note: string
}

type Part = readonly [text: string, colour?: number]

/** One line, of parts that are coloured. Where the terminal ends before it, its last sign says that it goes on. */
const fit = ({ colour, columns }: View, parts: ReadonlyArray<Part>): string => {
  const line = (room: number) => {
    let left = room
    let drawn = ""
    for (const [text, code] of parts) {
      const [kept, taken, whole] = cut(plain(text), left)
      left -= taken
      drawn += colour && code !== undefined && kept !== "" ? `\x1b[${code}m${kept}\x1b[0m` : kept
      if (!whole) return { drawn, whole }
    }
    return { drawn, whole: true }
  }
  const { drawn, whole } = line(columns)
  return whole || columns < 1 ? drawn : `${line(columns - 1).drawn}…`
}

const troubles = (
  view: View,
  troubles: Drawn["troubles"],
  pools: ReadonlyArray<Seen>
): ReadonlyArray<string> => {
  if (troubles.length > 0) {
    return troubles.map(({ name, severity, text }) => {
      const [colour, sign] = severities[severity]
      return fit(view, [[`${sign} `, colour], [name, 1], [` ${text}`, colour]])
    })
  }
  const sum = (of: (stats: Seen["stats"]) => number) => pools.reduce((n, { stats }) => n + of(stats), 0)
  const all = `${plural(pools.length, "pool")}, ${plural(sum(({ size }) => size), "object")}, ${
    plural(sum(({ leases }) => leases), "lease")
  }`
  return [fit(view, [[`✓ All is well: ${all}`, 32]])]
}

const pool = (view: View, seen: Seen & Past, at: number): ReadonlyArray<string> => {
  const { borrows, letters: all, minute, name, p99, since, state, stats } = seen
  const counts = letters.map((letter): readonly [Letter, number] => [letter, all.split(letter).length - 1])
  const size = stats.max === undefined ? "" : `, ${stats.min} to ${stats.max}`
  return [
    fit(view, [
      [name, 1],
      [`  ${state}  ${plural(stats.size, "object")}${size}  `, 90],
      ...counts.filter(([, n]) => n > 0).flatMap(([letter, n]): Array<Part> => [
        [`${letter} `, colours[letter]],
        [`${n} ${names[letter]}  `]
      ]),
      [stats.making > 0 ? `${stats.making} being made  ` : ""],
      [stats.waiting > 0 ? `${stats.waiting} waiting, the longest ${span(Math.max(0, at - since))}` : "", 33]
    ]),
    ...cells(view, all),
    ...(seen.keys === undefined ? [] : keys(view, seen.keys, at)),
    ...seen.classes.map((each) => borrowerClass(view, each)),
    ...seen.allowances.map((sum) => allowance(view, sum)),
    ...borrowing(view, seen, at),
    ...(seen.back.length === 0 ? [] : [fit(view, [
      ["  back "],
      [seen.back.map(([id, when, why]) => `${id} in ${span(Math.max(0, when - at))} (${why})`).join(", "), 35]
    ])]),
    ...(minute === undefined ? [] : [fit(view, [
      [`  ${mean(borrows)} borrows/s `],
      [spark(borrows, Math.min(60, Math.floor(view.columns / 4))), 34],
      [`  wait p50 ${millis(minute.p50)}, p99 ${millis(minute.p99)} `],
      [spark(p99, Math.min(60, Math.floor(view.columns / 4))), 33],
      [`  ${plural(minute.timeouts, "time-out")}/min`, minute.timeouts > 0 ? 31 : 90]
    ])])
  ]
}

const borrowerClass = (view: View, [name, leases, waiting, reserve, most]: Seen["classes"][number]): string =>
  fit(view, [
    [`  ${name}`],
    [`  ${plural(leases, "lease")}${most === undefined ? "" : `, at most ${most}`}`, 90],
    [reserve > 0 ? `, ${reserve} in reserve` : "", 90],
    [waiting > 0 ? `, ${waiting} waiting` : "", 33]
  ])

/** How many keys of one pool are lines of their own. */
const keyLines = 5

const keys = (view: View, { asleep, rest, rows }: NonNullable<Seen["keys"]>, at: number): ReadonlyArray<string> => {
  const lines = rows.slice(0, keyLines).map(([key, objects, leases, available, waiting, since, failing]) =>
    fit(view, [
      [`  ${key}`],
      [`  ${plural(objects, "object")}, ${leases} lent, ${available} idle`, 90],
      [waiting > 0 ? `, ${waiting} waiting, the longest ${span(Math.max(0, at - since))}` : "", 33],
      [failing > 0 ? ", cannot be made" : "", 31]
    ])
  )
  const others = rows.slice(keyLines)
  const sum = (of: 1 | 2 | 4, beside: number) => others.reduce((n, row) => n + row[of], beside)
  const parts = [
    ...(others.length + rest.keys === 0 ? [] : [
      `${plural(others.length + rest.keys, "key")} more with ${plural(sum(1, rest.objects), "object")}, ${
        sum(2, rest.leases)
      } lent, ${sum(4, rest.waiting)} waiting`
    ]),
    ...(asleep === 0 ? [] : [`${plural(asleep, "key")} with nothing`])
  ]
  return parts.length === 0 ? lines : [...lines, fit(view, [[`  ${parts.join("; ")}`, 90]])]
}

/** Which processes borrow: what each has, and since when it is connected. */
const borrowing = (view: View, { borrowers, moreBorrowers }: Seen, at: number): ReadonlyArray<string> => {
  if (borrowers === undefined) return []
  const each = borrowers.map(([name, leases, waiting, since]) =>
    `${name}: ${plural(leases, "lease")}${waiting > 0 ? `, ${waiting} waiting` : ""}, for ${
      span(Math.max(0, at - since))
    }`
  )
  const all = [...each, ...(moreBorrowers > 0 ? [`${plural(moreBorrowers, "process", "processes")} more`] : [])]
  return [fit(view, [["  borrowers "], [all.length === 0 ? "none" : all.join("; "), 34]])]
}

/** What is left of an allowance, in ten parts: one at least where there is something. */
const allowance = (view: View, [name, left, limit, objects, spent]: SumRow): string => {
  const parts = left > 0 && limit > 0 ? Math.max(1, Math.min(10, Math.floor(left / limit * 10))) : 0
  return fit(view, [
    [`  ${name} `],
    ["█".repeat(parts) + "░".repeat(10 - parts), parts > 2 ? 32 : parts > 0 ? 33 : 31],
    [` ${amount(left)} of ${amount(limit)} left`],
    [spent > 0 ? `, ${spent} of ${plural(objects, "object")} ${spent === 1 ? "has" : "have"} none` : "", 33]
  ])
}

/** A letter for each object; of very many, one for several: the rarest of them, which is most likely what is looked for. */
const cells = (view: View, all: string): ReadonlyArray<string> => {
  const width = Math.max(1, view.columns - 4)
  const most = 3 * width
  const share = Math.ceil(all.length / most)
  const rank: ReadonlyArray<Letter> = ["O", "U", "I", "P", "D", "B", "A"]
  let shown = all
  if (share > 1) {
    shown = ""
    for (let i = 0; i < all.length; i += share) {
      const group = all.slice(i, i + share)
      shown += rank.find((letter) => group.includes(letter)) ?? ""
    }
  }
  const lines: Array<string> = []
  for (let i = 0; i < shown.length; i += width) {
    const runs = shown.slice(i, i + width).match(/(.)\1*/g) ?? []
    lines.push(fit(view, [["  "], ...runs.map((run): Part => [run, colours[run[0] as Letter]])]))
  }
  return share > 1 ? [...lines, fit(view, [[`  one letter for ${share} objects`, 90]])] : lines
}

const bars = "▁▂▃▄▅▆▇█"
const spark = (values: ReadonlyArray<number>, width: number): string => {
  const last = values.slice(-width)
  const top = Math.max(1, ...last)
  return last.map((value) => value < 0 ? " " : bars[Math.min(7, Math.floor(value / top * 7.99))]).join("")
}

const mean = (values: ReadonlyArray<number>): string => {
  const last = values.slice(-5)
  const value = last.length === 0 ? 0 : last.reduce((a, b) => a + b, 0) / last.length
  return value < 10 ? value.toFixed(1) : String(Math.round(value))
}

const millis = (value: number): string => value < 0 ? "–" : span(value)

const event = (
  view: View,
  [, pool, at, tag, object, lease, text]: DrawnEvent,
  names: ReadonlyMap<number, string>
): string =>
  fit(view, [
    [`  ${clockTime(at).slice(0, 8)}  `, 90],
    [`${names.get(pool) ?? ""} ${tag}`],
    [
      `${object > 0 ? ` object ${object}` : ""}${lease > 0 ? ` lease ${lease}` : ""}${text === "" ? "" : `: ${text}`}`,
      90
    ]
  ])
