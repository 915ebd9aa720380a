/** The card of a pool. */
import type { Letter, ObjectRow, WaiterRow } from "../src/internal/inspection/frame.ts"
import { type Buttons, destroyButton, drawActions, root } from "./actions.ts"
import { cellAt, type Cells, drawCells, moveChosen, placesOf } from "./cells.ts"
import { type Chart, drawChart, makeChart, recent } from "./charts.ts"
import { drawClasses, makeClasses } from "./classes.ts"
import { children, count, el, mark, on, plural, rate, say, span } from "./dom.ts"
import { drawKeys, makeKeys } from "./keys.ts"
import {
  backOf,
  drawAllowances,
  drawMeter,
  drawSums,
  limitParts,
  makeSums,
  meter,
  type Part,
  type Sums
} from "./limits.ts"
import type { Rows } from "./rows.ts"
import { borrower, letters, names, now, type Pool, signs, state } from "./state.ts"

/** How many of those who wait are shown, and how many objects in the table. */
const waitersShown = 8
const rowsShown = 200

interface Count {
  readonly item: HTMLElement
  readonly number: HTMLElement
}

export interface View extends Cells, Buttons, Sums {
  readonly id: number
  readonly element: HTMLElement
  readonly title: HTMLElement
  readonly badge: HTMLElement
  readonly size: HTMLElement
  readonly legend: ReadonlyMap<Letter | "M", Count>
  readonly detail: HTMLElement
  readonly borrows: Chart
  readonly waits: Chart
  readonly timeouts: Chart
  readonly queueTitle: HTMLElement
  readonly queue: HTMLElement
  readonly keys: Rows
  readonly classes: Rows
  readonly remote: HTMLElement
  readonly borrowersTitle: HTMLElement
  readonly borrowers: HTMLElement
  readonly table: HTMLDetailsElement
  readonly tableNote: HTMLElement
  readonly rows: HTMLElement
  /** The chosen object stays, wherever the pointer goes. */
  pinned: boolean
  /** An object that did not come in detail. */
  fetched: ObjectRow | undefined
  fetching: ReturnType<typeof setTimeout> | undefined
  /** For what the parts of `detail` were made. */
  shown: string | undefined
  chartsAt: number
}

const makeLegend = (): ReadonlyMap<Letter | "M", Count> =>
  new Map([...letters, "M" as const].map((letter) => {
    const number = el("b", {}, "0")
    const dot = el("span", { class: `dot ${letter}`, "aria-hidden": "true" }, letter === "M" ? "" : signs[letter])
    const name = letter === "M" ? "being made" : names[letter].toLowerCase()
    return [letter, { item: el("li", {}, dot, number, name), number }]
  }))

const columns = [
  "Object",
  "Status",
  "Age",
  "Uses",
  "Holder",
  "Held",
  "Time left",
  "Back",
  "Allowances",
  "Description"
]
/** Those that have words, and no numbers: among the columns behind the first. */
const worded = [0, 3, 6, 7, 8]

const makeTable = (note: HTMLElement, rows: HTMLElement): HTMLDetailsElement => {
  const head = columns.map((name, i) => el("th", { scope: "col", class: worded.includes(i - 1) && "l" }, name))
  const table = el("table", {}, note, el("thead", {}, el("tr", {}, ...head, el("td"))), rows)
  return el(
    "details",
    {},
    el("summary", {}, "Objects as a table"),
    el("div", { class: "scroll", tabindex: 0 }, table)
  )
}

export const makeView = (id: number): View => {
  const canvas = el("canvas", {
    class: "cells",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map of objects"
  })
  const [title, badge, size] = [el("h2"), el("span", { class: "badge" }), el("span", { class: "size" })]
  const actions = el("div", { class: "actions" })
  const legend = makeLegend()
  const detail = el("div", { class: "detail", "aria-live": "polite" })
  const charts = {
    borrows: makeChart("Borrows per second", ["low"]),
    waits: makeChart("Wait", ["high", "low"]),
    timeouts: makeChart("Time-outs", ["bars"])
  }
  const [queueTitle, queue] = [el("h3"), el("ol")]
  const [borrowersTitle, borrowers] = [el("h3"), el("ul", { tabindex: 0 })]
  const remote = el("div", { class: "remote" }, borrowersTitle, borrowers)
  const sums = makeSums()
  const [tableNote, rows] = [el("caption"), el("tbody")]
  const table = makeTable(tableNote, rows)
  const items = [...legend.values()].map(({ item }) => item)
  const element = el(
    "article",
    { class: "pool card", id: `pool-${id}`, tabindex: -1 },
    el("header", {}, el("div", { class: "name" }, title, badge), size, actions),
    el("ul", { class: "legend", "aria-label": "Objects by status" }, ...items),
    el("div", {}, canvas, sums.back, detail),
    el("div", {}, sums.sumsTitle, sums.sums),
    el("div", { class: "charts" }, ...Object.values(charts).map((chart) => chart.element)),
    el("div", { class: "queue" }, queueTitle, queue),
    remote,
    table
  )
  const view: View = {
    ...{ id, element, title, badge, size, actions, canvas, legend, detail, queueTitle, queue, table, tableNote, rows },
    ...{ remote, borrowers, borrowersTitle },
    ...charts,
    ...sums,
    keys: makeKeys(),
    classes: makeClasses(),
    layout: undefined,
    chosen: undefined,
    places: 0,
    actionsFor: "",
    pinned: false,
    fetched: undefined,
    fetching: undefined,
    shown: undefined,
    chartsAt: 0
  }
  listen(view)
  return view
}

/** What a pointer and the keyboard do in a card. */
const listen = (view: View): void => {
  const withPool = (f: (pool: Pool) => void) => {
    const pool = state.pools.get(view.id)
    if (pool !== undefined) f(pool)
  }
  const choose = (pool: Pool, chosen: number | undefined) => {
    view.chosen = chosen
    touched(pool)
  }
  const touched = (pool: Pool) => {
    view.fetched = undefined
    drawCells(pool, view)
    drawDetail(pool, view)
  }
  on(view.canvas, {
    pointermove: (event) => withPool((pool) => view.pinned || choose(pool, cellAt(pool, view, event))),
    pointerleave: () => withPool((pool) => view.pinned || choose(pool, undefined)),
    click: (event) =>
      withPool((pool) => {
        const hit = cellAt(pool, view, event)
        view.pinned = hit !== undefined && !(view.pinned && hit === view.chosen)
        choose(pool, hit)
      }),
    keydown: (event) =>
      withPool((pool) => {
        if (event.key === "Escape") view.chosen = undefined
        else if (!moveChosen(pool, view, event.key)) return
        view.pinned = view.chosen !== undefined
        event.preventDefault()
        touched(pool)
      })
  })
  on(view.table, { toggle: () => withPool((pool) => drawTable(pool, view)) })
  new ResizeObserver(() => withPool((pool) => drawCells(pool, view))).observe(view.canvas)
}

/** What a pool is, in one word. */
export const mood = ({ life, suspended }: Pool["picture"]): string =>
  life !== "Open" ? life.toLowerCase() : suspended ? "suspended" : "open"

export const drawPool = (pool: Pool, view: View): void => {
  const { picture } = pool
  const { stats } = picture
  say(view.title, picture.name)
  say(view.badge, mood(picture))
  mark(view.badge, "warn", mood(picture) !== "open")
  const bounds = stats.max === undefined ? "" : `, ${stats.min} to ${count(stats.max)}`
  const sharing = picture.sharing > 1 ? `, each for ${picture.sharing} at once` : ""
  say(view.size, `${plural(stats.size, "object")}${bounds}${sharing}`)
  const numbers: Record<Letter | "M", number> = {
    A: stats.available,
    B: stats.borrowed,
    O: pool.letters.split("O").length - 1,
    P: stats.pending,
    D: stats.dormant,
    U: stats.unknown,
    I: stats.invalid,
    M: stats.making
  }
  for (const [letter, { item, number }] of view.legend) {
    say(number, count(numbers[letter]))
    mark(item, "none", numbers[letter] === 0)
  }
  view.canvas.setAttribute(
    "aria-label",
    `${picture.name}: ${plural(stats.size, "object")}, ${count(stats.borrowed)} borrowed, ` +
      `${count(stats.available)} available. The arrow keys go from object to object.`
  )
  view.canvas.hidden = placesOf(pool, view) === 0
  mark(view.detail, "tall", picture.limited)
  drawCells(pool, view)
  drawDetail(pool, view)
  drawSums(pool, view)
  drawCharts(pool, view)
  drawQueue(pool, view)
  drawKeys(pool, view.keys, view.table)
  drawClasses(pool, view.classes, view.table)
  drawBorrowers(pool, view)
  drawActions(pool, view)
  drawTable(pool, view)
}

const drawCharts = ({ minute, seconds }: Pool, view: View): void => {
  if (seconds === undefined || minute === undefined || view.chartsAt === seconds.end) return
  view.chartsAt = seconds.end
  say(view.borrows.value, rate(recent(seconds.borrows)))
  drawChart(view.borrows, [seconds.borrows], rate)
  const quantile = (name: string, key: "low" | "high", value: number) => [
    el("small", { class: key === "high" && "second" }, el("i", { class: `key ${key}` }), `${name} `),
    `${span(value)} `
  ]
  view.waits.value.replaceChildren(
    ...(minute.p99 < 0 ? ["–"] : [...quantile("p50", "low", minute.p50), ...quantile("p99", "high", minute.p99)])
  )
  drawChart(view.waits, [seconds.p99, seconds.p50], span)
  view.timeouts.value.replaceChildren(count(minute.timeouts), el("small", {}, " in the last minute"))
  drawChart(view.timeouts, [seconds.timeouts], count)
}

const doings: Readonly<Record<WaiterRow[4], string>> = {
  Waiting: "",
  Acquiring: ", one is being made",
  Detecting: ", one is being checked",
  Choosing: ", one is being chosen",
  BackingOff: ", backs off",
  Suspended: ", pool suspended"
}

const drawQueue = ({ picture: { stats, waiters } }: Pool, view: View): void => {
  const shown = waiters.slice(0, waitersShown)
  const rest = stats.waiting > shown.length ? `, the first ${shown.length} of them` : ""
  const many = `${count(stats.waiting)} ${stats.waiting === 1 ? "waits" : "wait"}`
  say(view.queueTitle, stats.waiting === 0 ? "Nobody waits" : `${many}${rest}`)
  const items = children(
    view.queue,
    shown.length,
    () => el("li", {}, el("span"), el("span", { class: "bar" }, el("i")), el("span"))
  )
  const time = now()
  shown.forEach(([fiber, since, until, priority, doing, key], i) => {
    const [who, bar, what] = items[i]!.children as unknown as [HTMLElement, HTMLElement, HTMLElement]
    const part = until === 0 ? 0 : Math.min(1, (time - since) / (until - since))
    const filled = bar.firstElementChild as HTMLElement
    say(who, borrower(fiber))
    filled.style.width = `${(part * 100).toFixed(1)}%`
    mark(filled, "late", part > .75)
    const limit = until === 0 ? "" : ` of ${span(until - since)}`
    const rank = priority === 0 ? "" : `, priority ${priority}`
    say(what, `${span(time - since)}${limit}${doings[doing]}${rank}${key === undefined ? "" : `, for ${key}`}`)
  })
}

/** Of a pool that other processes borrow from: which they are. */
const drawBorrowers = ({ picture: { borrowers, moreBorrowers = 0 } }: Pool, view: View): void => {
  view.remote.hidden = borrowers === undefined
  if (borrowers === undefined) return
  const many = borrowers.length + moreBorrowers
  const rest = moreBorrowers > 0 ? `, the first ${borrowers.length} of them` : ""
  say(
    view.borrowersTitle,
    many === 0
      ? "No process borrows"
      : `${count(many)} ${many === 1 ? "process borrows" : "processes borrow"}${rest}`
  )
  const items = children(view.borrowers, borrowers.length, () => el("li", {}, el("b"), " ", el("span")))
  borrowers.forEach(([name, leases, waiting, since], i) => {
    const { firstElementChild, lastElementChild } = items[i]!
    say(firstElementChild!, name)
    const waits = waiting === 0 ? "" : `, ${count(waiting)} waiting`
    say(lastElementChild!, `${plural(leases, "lease")}${waits}, connected for ${span(now() - since)}`)
  })
}

const statusOf = ([, letter, , , , , leaving]: ObjectRow): string =>
  `${names[letter]}${leaving === 1 ? ", leaving" : ""}`

const holders = ([, , , , leases, , , , more]: ObjectRow): string =>
  leases.map(([, owner]) => borrower(owner)).join(", ") + (more > 0 ? ` and ${count(more)} more` : "")

/** What is said of the chosen object. */
const partsOf = (row: ObjectRow): ReadonlyArray<Part> => {
  const [id, , addedAt, uses, leases, , , description, more] = row
  const time = now()
  const left = (expiresAt: number) => expiresAt > time ? `, ${span(expiresAt - time)} left` : ", time is over"
  return [
    [`Object ${id}`, statusOf(row)],
    ...leases.map(([, owner, borrowedAt, expiresAt]) =>
      [borrower(owner), `for ${span(time - borrowedAt)}${expiresAt > 0 ? left(expiresAt) : ""}`] as const
    ),
    ...(more > 0 ? [[`and ${count(more)}`, "leases more"] as const] : []),
    ...limitParts(row),
    ["lent", uses === 1 ? "once" : `${count(uses)} times`],
    [span(time - addedAt), "old"],
    ...(description === "" ? [] : [[description, ""] as const])
  ]
}

const drawDetail = (pool: Pool, view: View): void => {
  const id = view.chosen
  if (id === undefined || !pool.ids.includes(id)) return drawHint(pool, view)
  const row = pool.rows.get(id) ?? (view.fetched?.[0] === id ? view.fetched : undefined)
  if (row === undefined) return fetchRow(pool, view, id)
  const parts = partsOf(row)
  const key = `${id}:${parts.map(({ length }) => length).join("")}:${state.actions}`
  if (view.shown !== key) {
    view.shown = key
    view.detail.replaceChildren(
      ...parts.map(([, , share]) =>
        el("span", {}, el("b"), " ", ...(share === undefined ? [] : [meter(), " "]), el("span"))
      )
    )
    if (state.actions) view.detail.append(destroyButton(pool, id))
  }
  parts.forEach(([strong, soft, share], i) => {
    const part = view.detail.children[i]!
    if (share !== undefined) drawMeter(part.children[1] as HTMLElement, share)
    say(part.firstElementChild!, strong)
    say(part.lastElementChild!, soft)
  })
}

const drawHint = ({ ids, picture: { objects: { beyond } } }: Pool, view: View): void => {
  view.chosen = undefined
  view.pinned = false
  view.shown = undefined
  say(
    view.detail,
    ids.length === 0
      ? "It holds no object."
      : beyond > 0
      ? `… and ${plural(beyond, "object")} more`
      : "Point at an object, or go to it with the arrow keys."
  )
}

/** Of a large pool not every object comes with all its numbers. */
const fetchRow = (pool: Pool, view: View, id: number): void => {
  view.shown = undefined
  say(view.detail, `Object ${id}, ${names[pool.letters[pool.ids.indexOf(id)] as Letter]}`)
  if (view.fetching !== undefined) return
  const get = async () => {
    const response = await fetch(`${root}/pools/${pool.id}/objects/${id}`).catch(() => undefined)
    view.fetched = response?.ok === true ? await response.json() as ObjectRow : undefined
    view.fetching = undefined
    const latest = state.pools.get(pool.id)
    if (latest !== undefined) drawDetail(latest, view)
  }
  view.fetching = setTimeout(() => void get(), 120)
}

const drawTable = (pool: Pool, view: View): void => {
  if (!view.table.open) return
  const oldest = ([, , , , [lease]]: ObjectRow) => lease?.[2] ?? Infinity
  const all = [...pool.rows.values()].sort((a, b) => oldest(a) - oldest(b) || a[0] - b[0])
  const shown = all.slice(0, rowsShown)
  say(view.tableNote, `${count(shown.length)} of ${plural(pool.picture.stats.size, "object")}, the longest held first`)
  const rows = children(view.rows, shown.length, () =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }),
      ...Array.from({ length: columns.length }, (_, i) => el("td", { class: worded.includes(i) && "l" }))
    ))
  shown.forEach((row, i) => drawRow(pool, row, [...rows[i]!.cells]))
}

const drawRow = (pool: Pool, row: ObjectRow, cells: ReadonlyArray<HTMLElement>): void => {
  const [id, letter, addedAt, uses, [lease], , , description] = row
  const time = now()
  const left = lease === undefined || lease[3] === 0 ? "" : lease[3] > time ? span(lease[3] - time) : "over"
  const values = [
    id,
    statusOf(row),
    span(time - addedAt),
    count(uses),
    holders(row),
    lease === undefined ? "" : span(time - lease[2]),
    left,
    backOf(row)
  ]
  values.forEach((value, i) => say(cells[i]!, value))
  mark(cells[1]!, "hot", letter === "O")
  drawAllowances(cells[8]!, row[9]?.allowances ?? [])
  say(cells[9]!, description)
  const last = cells[10]!
  if (state.actions && last.dataset["id"] !== String(id)) {
    last.dataset["id"] = String(id)
    last.replaceChildren(destroyButton(pool, id))
  }
}
