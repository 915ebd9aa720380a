/** What is left of limits, as small bars; each stands beside the words that say the same. */
import type { AllowanceRow, ObjectRow } from "../src/internal/inspection/frame.ts"
import { amount, children, count, el, mark, plural, say, span } from "./dom.ts"
import { now, type Pool } from "./state.ts"

/** A part of the whole, between nothing and all: a debt is nothing, and no more is drawn than there is room for. */
export const shareOf = (left: number, limit: number): number => limit > 0 ? Math.max(0, Math.min(1, left / limit)) : 0

/** From here on little is left. */
const little = .2

export const meter = (): HTMLElement => el("span", { class: "meter", "aria-hidden": "true" }, el("i"))

export const drawMeter = (element: HTMLElement, share: number): void => {
  const filled = element.firstElementChild as HTMLElement
  filled.style.width = `${(share * 100).toFixed(1)}%`
  mark(element, "little", share > 0 && share <= little)
  mark(element, "none", share === 0)
}

const inTime = (at: number): string => `in ${span(Math.max(0, at - now()))}`

/** What is left of one allowance, in words. */
const leftOf = ([, left, limit, fullAt]: AllowanceRow): string =>
  `${amount(Math.max(0, left))} of ${amount(limit)} left${left < 0 ? `, ${amount(-left)} owed` : ""}` +
  `${fullAt > 0 ? `, full ${inTime(fullAt)}` : ""}`

/** One part of what is said of an object: in bold, what is said of that, and what of it is left. */
export type Part = readonly [strong: string, soft: string, share?: number]

/** When an object is back, and why it rests. */
export const backOf = ([, letter, , , , wakesAt, , , , limits]: ObjectRow): string => {
  const why = limits?.why === undefined ? "" : `: ${limits.why}`
  if (wakesAt > 0) return `${inTime(wakesAt)}${why}`
  return letter === "D" ? `when it is woken${why}` : ""
}

/** What is said of the limits of an object. */
export const limitParts = (row: ObjectRow): ReadonlyArray<Part> => {
  const back = backOf(row)
  const { allowances = [], facets = [], failures = 0, more = 0 } = row[9] ?? {}
  return [
    ...(back === "" ? [] : [["back", back] as const]),
    ...(failures > 0 ? [[plural(failures, "failure"), "in a row"] as const] : []),
    ...allowances.map((allowance): Part => [allowance[0], leftOf(allowance), shareOf(allowance[1], allowance[2])]),
    ...facets.map(([name, until, why]): Part => [
      `facet ${name}`,
      `rests, back ${until > 0 ? inTime(until) : "when it is woken"}: ${why}`
    ]),
    ...(more > 0 ? [["and", `${count(more)} more`] as const] : [])
  ]
}

/** The allowances of all objects of a pool, and who is back first. */
export interface Sums {
  readonly sums: HTMLElement
  readonly sumsTitle: HTMLElement
  readonly back: HTMLElement
}

export const makeSums = (): Sums => ({
  sums: el("ul", { class: "sums" }),
  sumsTitle: el("h3", {}, "Allowances"),
  back: el("p", { class: "back" })
})

export const drawSums = ({ picture }: Pool, { back, sums, sumsTitle }: Sums): void => {
  const { allowances, limited, moreAllowances } = picture
  sums.hidden = sumsTitle.hidden = !limited
  say(sumsTitle, moreAllowances > 0 ? `Allowances, ${count(moreAllowances)} more are not shown` : "Allowances")
  const items = children(sums, allowances.length, () => el("li", {}, el("b"), meter(), el("span")))
  allowances.forEach(([name, left, limit, objects, spent], i) => {
    const [title, bar, words] = items[i]!.children as unknown as [HTMLElement, HTMLElement, HTMLElement]
    say(title, name)
    if (title.title !== name) title.title = name
    drawMeter(bar, shareOf(left, limit))
    const none = spent === 0
      ? ""
      : `, ${count(spent)} of ${plural(objects, "object")} ${spent === 1 ? "has" : "have"} none`
    say(words, `${amount(left)} of ${amount(limit)} left${none}`)
  })
  say(
    back,
    picture.back.length === 0
      ? ""
      : `Back next: ${picture.back.map(([id, at, why]) => `${id} ${inTime(at)} (${why})`).join(", ")}`
  )
}

/** The allowances of an object in a table. */
export const drawAllowances = (cell: HTMLElement, allowances: ReadonlyArray<AllowanceRow>): void => {
  const items = children(cell, allowances.length, () => el("div", { class: "allowance" }, meter(), el("span")))
  allowances.forEach((allowance, i) => {
    const [bar, words] = items[i]!.children as unknown as [HTMLElement, HTMLElement]
    drawMeter(bar, shareOf(allowance[1], allowance[2]))
    say(words, `${allowance[0]}: ${leftOf(allowance)}`)
  })
}
