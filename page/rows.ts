/** A table of counts with a title above it, as the keys and the classes of a pool are shown. */
import { children, el, mark, say } from "./dom.ts"

export interface Rows {
  readonly element: HTMLElement
  readonly title: HTMLElement
  readonly body: HTMLElement
  readonly columns: ReadonlyArray<string>
}

export const makeRows = (columns: ReadonlyArray<string>, of: string): Rows => {
  const [title, body] = [el("h3"), el("tbody")]
  const head = columns.map((name, i) => el("th", { scope: "col", class: i === 0 && "l" }, name))
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), body)
  return {
    element: el("div", { class: of }, title, el("div", { class: "scroll", tabindex: 0 }, table)),
    title,
    body,
    columns
  }
}

/** Writes the cells of each row. `hot`: the column whose cells stand out where something is in them. */
export const drawRows = (
  { body, columns }: Rows,
  values: ReadonlyArray<ReadonlyArray<string>>,
  hot: number | undefined
): void => {
  const drawn = children(body, values.length, () =>
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
      if (hot !== undefined) mark(cells[k]!, "hot", k === hot && value !== "")
    })
  })
}
