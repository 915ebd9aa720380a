/**
 * A table as a picture: horizontal bars, readable on a light and on a dark ground.
 */
import type { Row } from "./harness.ts"
import { format, type Table } from "./table.ts"

const width = 760
/** Where the bars begin, and how long the longest may be. */
const left = 250
const longest = 420
const top = 64
const pitch = 26

const style = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 16px; font-weight: 600 }
    .unit, .caption { font-size: 12px; fill: #59636e }
    .ours { font-weight: 600 }
    rect { fill: #afb8c1 } rect.ours { fill: #0969da } rect.base { fill: #6e7781 } rect.floor { fill: #d8dee4 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .unit, .caption { fill: #9198a1 }
      rect { fill: #57606a } rect.ours { fill: #4493f8 } rect.base { fill: #9198a1 } rect.floor { fill: #343a42 }
    }
  `

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("`", "")

const bar = (row: Row, i: number, most: number): string => {
  const y = top + i * pitch
  const length = Math.max(1, longest * row.value / most)
  const role = row.name.startsWith("floor") ? "floor" : row.role
  return [
    `<text class="${role}" x="${left - 10}" y="${y + 14}" text-anchor="end">${escape(row.name)}</text>`,
    `<rect class="${role}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="${pitch - 7}" rx="2"/>`,
    `<text class="${role}" x="${(left + length + 8).toFixed(1)}" y="${y + 14}">${format(row.value)}</text>`
  ].join("\n  ")
}

export const chart = ({ title, unit }: Table, rows: ReadonlyArray<Row>, caption: string): string => {
  const most = Math.max(...rows.map(({ value }) => value))
  const height = top + rows.length * pitch + 36
  const name = escape(title)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}">
  <style>${style}</style>
  <text class="title" x="16" y="26">${name}</text>
  <text class="unit" x="16" y="46">${escape(unit)}: shorter is better</text>
  ${rows.map((row, i) => bar(row, i, most)).join("\n  ")}
  <text class="caption" x="16" y="${height - 14}">${escape(caption)}</text>
</svg>
`
}
