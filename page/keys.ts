/** The keys of a pool of many: those for which most wait, and then those that have most. */
import type { KeysPicture } from "../src/internal/inspection/frame.ts"
import { children, count, el, mark, plural, say, span } from "./dom.ts"
import { now, type Pool } from "./state.ts"

const columns = ["Key", "Objects", "Lent", "Idle", "Waiting", "Longest", ""]

export interface Keys {
  readonly keys: HTMLElement
  readonly keysTitle: HTMLElement
  readonly keyRows: HTMLElement
}

export const makeKeys = (): Keys => {
  const [keysTitle, keyRows] = [el("h3"), el("tbody")]
  const head = columns.map((name, i) => el("th", { scope: "col", class: i === 0 && "l" }, name))
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), keyRows)
  const keys = el("div", { class: "keys" }, keysTitle, el("div", { class: "scroll", tabindex: 0 }, table))
  return { keys, keysTitle, keyRows }
}

const titleOf = ({ asleep, rest, rows }: KeysPicture): string => {
  const shown = rest.keys === 0 ? "" : `, the first ${count(rows.length)} of them`
  return `${plural(rows.length + rest.keys, "key")} with objects or borrowers${shown}; ${count(asleep)} with nothing`
}

/** Draws them before an element; nothing, of a pool that has no keys. */
export const drawKeys = ({ picture }: Pool, { keyRows, keys, keysTitle }: Keys, before: HTMLElement): void => {
  const seen = picture.keys
  if (seen === undefined) return keys.remove()
  if (!keys.isConnected) before.before(keys)
  const { rest, rows } = seen
  say(keysTitle, titleOf(seen))
  const time = now()
  const values: Array<ReadonlyArray<string>> = rows.map((
    [key, objects, leases, available, waiting, since, failing]
  ) => [
    key,
    count(objects),
    count(leases),
    count(available),
    count(waiting),
    since === 0 ? "" : span(Math.max(0, time - since)),
    failing === 1 ? "cannot be made" : ""
  ])
  if (rest.keys > 0) {
    const { leases, objects, waiting } = rest
    values.push([`${plural(rest.keys, "key")} more`, count(objects), count(leases), "", count(waiting), "", ""])
  }
  const drawn = children(keyRows, values.length, () =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "l" }),
      ...Array.from({ length: columns.length - 1 }, () => el("td"))
    )) as ReadonlyArray<HTMLTableRowElement>
  values.forEach((row, i) => {
    const { cells } = drawn[i]!
    row.forEach((value, k) => {
      say(cells[k]!, value)
      mark(cells[k]!, "hot", k === 6 && value !== "")
    })
  })
}
