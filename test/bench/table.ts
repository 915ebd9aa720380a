/**
 * A table of what was measured, in Markdown.
 */
import type { Row } from "./harness.ts"

export interface Table {
  readonly title: string
  readonly unit: string
  /** What the columns of ratios are called: a time is compared by speed, a size as it is. By default `"time"`. */
  readonly kind?: "time" | "size"
  /** The file of a chart of it. */
  readonly chart?: string
  /** What is to be said of it, beside. */
  readonly note?: () => string | undefined
  readonly measure: () => Promise<ReadonlyArray<Row>>
}

export const format = (value: number): string => {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en").replaceAll(",", " ")
  return Math.abs(value) < 0.001 ? "0" : value.toPrecision(3)
}

const headings = {
  time: { ratio: "speed : base", overFloor: "cost : floor" },
  size: { ratio: "times smaller than base", overFloor: "size : floor" }
}

const times = (value: number | undefined): string => value === undefined ? "" : `${value.toFixed(2)} ×`

const spread = ({ more, quartiles, value }: Row): string => {
  if (more !== undefined) return ""
  const share = 100 * (quartiles[1] - quartiles[0]) / value
  return Number.isFinite(share) ? `${share.toFixed(0)} %` : ""
}

/** Columns that say nothing are left out. */
export const markdown = ({ kind = "time", note, title, unit }: Table, rows: ReadonlyArray<Row>): string => {
  const columns = [
    { heading: unit, cell: ({ cutOff, value }: Row) => `${cutOff === true ? "> " : ""}${format(value)}` },
    { heading: headings[kind].ratio, cell: (row: Row) => times(row.ratio) },
    { heading: headings[kind].overFloor, cell: (row: Row) => times(row.overFloor) },
    { heading: "spread", cell: spread },
    ...Object.keys(rows[0]?.more ?? {}).map((heading) => ({ heading, cell: (row: Row) => row.more?.[heading] ?? "" }))
  ].filter(({ cell }) => rows.some((row) => cell(row) !== ""))
  const said = note?.()
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  return [
    `### ${title}`,
    "",
    line(["", ...columns.map(({ heading }) => heading)]),
    line(["---", ...columns.map(() => "--:")]),
    ...rows.map((row) =>
      line([row.role === "ours" ? `**${row.name}**` : row.name, ...columns.map(({ cell }) => cell(row))])
    ),
    ...(said === undefined ? [] : ["", said]),
    ""
  ].join("\n")
}
