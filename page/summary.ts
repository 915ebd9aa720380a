/** What is wrong, and all pools in one table. */
import type { Trouble } from "../src/internal/inspection/frame.ts"
import { recent } from "./charts.ts"
import { byId, children, count, el, mark, plural, rate, say, span } from "./dom.ts"
import { mood } from "./pool.ts"
import { type Pool, pools, state } from "./state.ts"

interface Shown extends Pick<Trouble, "name" | "pool" | "text"> {
  readonly severity: Trouble["severity"] | "well"
}

const allIsWell = (): Shown => {
  const sum = (of: "size" | "leases") => pools().reduce((n, { picture }) => n + picture.stats[of], 0)
  const text = `${plural(state.order.length, "pool")}, ${plural(sum("size"), "object")}, ${
    plural(sum("leases"), "lease")
  }`
  return { severity: "well", pool: 0, name: "", text: `All is well: ${text}` }
}

const marks: Readonly<Record<Shown["severity"], string>> = { bad: "●", warning: "▲", note: "–", well: "✓" }

let kindsSaid: string | undefined

export const drawTroubles = (): void => {
  const shown: ReadonlyArray<Shown> = state.troubles.length > 0 ? state.troubles : [allIsWell()]
  const items = children(
    byId("troubles"),
    shown.length,
    () => el("li", {}, el("span", { class: "sign", "aria-hidden": "true" }), el("a"), el("span", { class: "text" }))
  )
  shown.forEach(({ name, pool, severity, text }, i) => {
    const item = items[i]!
    const [sign, link, words] = item.children as unknown as [HTMLElement, HTMLAnchorElement, HTMLElement]
    if (item.className !== severity) item.className = severity
    say(sign, marks[severity])
    say(link, name)
    link.hidden = pool === 0
    if (link.hash !== `#pool-${pool}`) link.href = `#pool-${pool}`
    say(words, text)
  })
  // numbers change all the time: who listens hears of it when there is something else to hear
  const kinds = state.troubles.map(({ kind, pool }) => pool + kind).join()
  if (kinds !== kindsSaid) {
    kindsSaid = kinds
    say(byId("said"), shown.map(({ name, text }) => name === "" ? text : `${name}: ${text}`).join(". "))
  }
  const bad = state.troubles.filter(({ severity }) => severity === "bad").length
  document.title = bad > 0 ? `(${bad}) Pools` : "Pools"
}

/** What a row of the table says behind the name of its pool. */
const valuesOf = ({ minute, picture, seconds }: Pool): ReadonlyArray<string> => {
  const { stats } = picture
  return [
    mood(picture),
    count(stats.size),
    count(stats.available),
    count(stats.borrowed),
    count(picture.overdue),
    count(stats.dormant),
    count(stats.pending),
    count(stats.unknown),
    count(stats.invalid),
    count(stats.making),
    count(stats.waiting),
    seconds === undefined ? "–" : rate(recent(seconds.borrows)),
    minute === undefined ? "–" : span(minute.p50),
    minute === undefined ? "–" : span(minute.p99),
    minute === undefined ? "–" : count(minute.timeouts)
  ]
}

/** What is never well, among the values. */
const hot = new Set([4, 14])

export const drawOverview = (): void => {
  const rows = children(byId("overview-rows"), pools().length, () =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "l" }, el("a")),
      ...Array.from({ length: 15 }, (_, i) => el("td", { class: i === 0 && "l" }))
    ))
  pools().forEach((pool, i) => {
    const [name, ...cells] = rows[i]!.cells
    const link = name!.firstElementChild as HTMLAnchorElement
    if (link.hash !== `#pool-${pool.id}`) link.href = `#pool-${pool.id}`
    say(link, pool.picture.name)
    valuesOf(pool).forEach((value, k) => {
      const none = value === "0" || value === "–"
      say(cells[k]!, value)
      mark(cells[k]!, "zero", none)
      mark(cells[k]!, "hot", hot.has(k) && !none)
    })
  })
}
