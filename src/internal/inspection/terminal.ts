/** The same as on the page, in a terminal: what has come so far, and how it looks in so many columns and rows. */
import { type EventRow, type Frame, history, type Letter, type Minute, type PoolPicture } from "./frame.ts"
import { clockTime, plural, span } from "./words.ts"

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

interface Seen {
  picture: PoolPicture
  minute?: Minute
  borrows: Array<number>
  p99: Array<number>
}

/** What the frames of a stream have told so far. */
export class Story {
  private readonly pools = new Map<number, Seen>()
  private events: Array<EventRow> = []
  last: Frame | undefined = undefined

  take(frame: Frame): void {
    if (frame.full) {
      this.pools.clear()
      this.events = []
    }
    for (const picture of frame.changed) {
      const seen = this.pools.get(picture.id)
      if (seen === undefined) this.pools.set(picture.id, { picture, borrows: [], p99: [] })
      else seen.picture = picture
    }
    for (const id of this.pools.keys()) if (!frame.pools.includes(id)) this.pools.delete(id)
    for (const { borrows, minute, p99, pool } of frame.seconds) {
      const seen = this.pools.get(pool)
      if (seen === undefined) continue
      seen.minute = minute
      seen.borrows = [...seen.borrows, ...borrows].slice(-history)
      seen.p99 = [...seen.p99, ...p99].slice(-history)
    }
    this.events = [...this.events, ...frame.events.filter(([, , , tag]) => !everyday.has(tag))].slice(-200)
    this.last = frame
  }

  /** As many lines as there is room for; none is longer than `columns`. */
  lines(view: View): ReadonlyArray<string> {
    const { last } = this
    if (last === undefined) return [fit(view, [[view.note]])]
    const pools = last.pools.map((id) => this.pools.get(id)).filter((seen) => seen !== undefined)
    const lines = [
      fit(view, [["Pools", 1], [`  ${view.url}  ${clockTime(last.at)}  ${view.note}`, 90]]),
      ...troubles(view, last, pools),
      ...pools.flatMap((seen) => ["", ...pool(view, seen, last.at)]),
      ...(last.more > 0 ? ["", fit(view, [[`… and ${plural(last.more, "pool")} more`]])] : [])
    ]
    const room = view.rows - lines.length - 2
    if (room >= 2 && this.events.length > 0) {
      const of = new Map(pools.map(({ picture: { id, name } }) => [id, name]))
      lines.push(
        "",
        fit(view, [["Events", 1]]),
        ...this.events.slice(-room).reverse().map((row) => event(view, row, of))
      )
    }
    return lines.slice(0, view.rows)
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

/** A name may hold anything: what would move the cursor or change a colour is taken out. */
const plain = (text: string): string => text.replace(/\p{C}/gu, "�")

/** One line, of parts that are coloured, cut where the terminal ends. */
const fit = ({ colour, columns }: View, parts: ReadonlyArray<Part>): string => {
  let left = columns
  let line = ""
  for (const [text, code] of parts) {
    const characters = Array.from(plain(text)).slice(0, left)
    const cut = characters.join("")
    left -= characters.length
    line += colour && code !== undefined && cut !== "" ? `\x1b[${code}m${cut}\x1b[0m` : cut
  }
  return line
}

const troubles = (view: View, { troubles }: Frame, pools: ReadonlyArray<Seen>): ReadonlyArray<string> => {
  if (troubles.length > 0) {
    return troubles.map(({ name, severity, text }) => {
      const [colour, sign] = severities[severity]
      return fit(view, [[`${sign} `, colour], [name, 1], [` ${text}`, colour]])
    })
  }
  const sum = (of: (picture: PoolPicture) => number) => pools.reduce((n, { picture }) => n + of(picture), 0)
  const all = `${plural(pools.length, "pool")}, ${plural(sum(({ stats }) => stats.size), "object")}, ${
    plural(sum(({ stats }) => stats.leases), "lease")
  }`
  return [fit(view, [[`✓ All is well: ${all}`, 32]])]
}

const pool = (view: View, { borrows, minute, p99, picture }: Seen, at: number): ReadonlyArray<string> => {
  const { life, name, objects, stats, suspended, waiters } = picture
  const all = objects.cells?.letters ?? objects.rows.map(([, letter]) => letter).join("")
  const counts = letters.map((letter): readonly [Letter, number] => [letter, all.split(letter).length - 1])
  const state = life !== "Open" ? life.toLowerCase() : suspended ? "suspended" : "open"
  const size = stats.max === undefined ? "" : `, ${stats.min} to ${stats.max}`
  const longest = Math.max(0, ...waiters.map(([, since]) => at - since))
  return [
    fit(view, [
      [name, 1],
      [`  ${state}  ${plural(stats.size, "object")}${size}  `, 90],
      ...counts.filter(([, n]) => n > 0).flatMap(([letter, n]): Array<Part> => [
        [`${letter} `, colours[letter]],
        [`${n} ${names[letter]}  `]
      ]),
      [stats.making > 0 ? `${stats.making} being made  ` : ""],
      [stats.waiting > 0 ? `${stats.waiting} waiting, the longest ${span(longest)}` : "", 33]
    ]),
    ...cells(view, all),
    ...(minute === undefined ? [] : [fit(view, [
      [`  ${mean(borrows)} borrows/s `],
      [spark(borrows, Math.min(60, Math.floor(view.columns / 4))), 34],
      [`  wait p50 ${millis(minute.p50)}, p99 ${millis(minute.p99)} `],
      [spark(p99, Math.min(60, Math.floor(view.columns / 4))), 33],
      [`  ${plural(minute.timeouts, "time-out")}/min`, minute.timeouts > 0 ? 31 : 90]
    ])])
  ]
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
  [, pool, at, tag, object, lease, text]: EventRow,
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
