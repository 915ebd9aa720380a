import type { Row } from "./harness.ts"

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en").replaceAll(",", " ") : value.toPrecision(3)

const times = (value: number | undefined): string => value === undefined ? "" : `${value.toFixed(2)} ×`

/** A table in Markdown. */
export const markdown = (title: string, unit: string, rows: ReadonlyArray<Row>): string =>
  [
    `### ${title}`,
    "",
    `| | ${unit} | speed : base | cost : floor | spread |`,
    "| --- | --: | --: | --: | --: |",
    ...rows.map(({ name, ns, overFloor, quartiles, ratio, role }) => {
      const spread = `${(100 * (quartiles[1] - quartiles[0]) / ns).toFixed(0)} %`
      const cells = [role === "ours" ? `**${name}**` : name, number(ns), times(ratio), times(overFloor), spread]
      return `| ${cells.join(" | ")} |`
    }),
    ""
  ].join("\n")
