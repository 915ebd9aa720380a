/** The classes of borrowers of a pool, as it was told of them. */
import { count, say } from "./dom.ts"
import { drawRows, makeRows, type Rows } from "./rows.ts"
import type { Pool } from "./state.ts"

export const makeClasses = (): Rows =>
  makeRows(["Class", "Leases", "Reserve", "At most", "Waiting", "Weight", "Timed out"], "rows classes")

/** Draws them before an element; nothing, of a pool that has none. */
export const drawClasses = ({ picture: { stats } }: Pool, drawn: Rows, before: HTMLElement): void => {
  if (stats.classes === undefined) return drawn.element.remove()
  if (!drawn.element.isConnected) before.before(drawn.element)
  const classes = Object.entries(stats.classes)
  say(drawn.title, `${count(classes.length)} ${classes.length === 1 ? "class" : "classes"} of borrowers`)
  const values = classes.map(([name, { leases, most, reserve, totals, waiting, weight }]) => [
    name,
    count(leases),
    count(reserve),
    most === undefined ? "" : count(most),
    count(waiting),
    String(weight),
    count(totals.timedOut)
  ])
  drawRows(drawn, values, undefined)
}
