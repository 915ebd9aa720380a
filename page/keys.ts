/** The keys of a pool of many: those for which most wait, and then those that have most. */
import type { KeysPicture } from "../src/internal/inspection/frame.ts"
import { count, plural, say, span } from "./dom.ts"
import { drawRows, makeRows, type Rows } from "./rows.ts"
import { now, type Pool } from "./state.ts"

export const makeKeys = (): Rows => makeRows(["Key", "Objects", "Lent", "Idle", "Waiting", "Longest", ""], "rows keys")

const titleOf = ({ asleep, rest, rows }: KeysPicture): string => {
  const shown = rest.keys === 0 ? "" : `, the first ${count(rows.length)} of them`
  return `${plural(rows.length + rest.keys, "key")} with objects or borrowers${shown}; ${count(asleep)} with nothing`
}

/** Draws them before an element; nothing, of a pool that has no keys. */
export const drawKeys = ({ picture: { keys } }: Pool, drawn: Rows, before: HTMLElement): void => {
  if (keys === undefined) return drawn.element.remove()
  if (!drawn.element.isConnected) before.before(drawn.element)
  const { rest, rows } = keys
  say(drawn.title, titleOf(keys))
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
  drawRows(drawn, values, 6)
}
