/** Sparklines of the last 5 minutes. */
import { history } from "../src/internal/inspection/frame.ts"
import { el, say, svg } from "./dom.ts"

const width = 300
const height = 40

/** Two lines may lie in one chart, the higher and the lower; bars lie alone. */
type Kind = "low" | "high" | "bars"

export interface Chart {
  readonly element: HTMLElement
  readonly value: HTMLElement
  readonly most: HTMLElement
  readonly paths: ReadonlyArray<SVGPathElement>
  readonly kinds: ReadonlyArray<Kind>
}

export const makeChart = (title: string, kinds: ReadonlyArray<Kind>): Chart => {
  const paths = kinds.flatMap((kind) =>
    kind === "bars"
      ? [svg("path", { class: "bars" })]
      : [svg("path", { class: `${kind} area` }), svg("path", { class: kind })]
  )
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true"
  })
  drawing.append(svg("line", { x1: 0, x2: width, y1: height, y2: height }), ...paths)
  const value = el("div", { class: "value" })
  const most = el("span")
  const range = el(
    "div",
    { class: "range", "aria-hidden": "true" },
    el("span", {}, "5 min"),
    most,
    el("span", {}, "now")
  )
  return {
    element: el("div", { class: "chart" }, el("h3", {}, title), value, drawing, range),
    value,
    most,
    paths,
    kinds
  }
}

const xOf = (i: number, length: number): number => width - (length - 1 - i) * width / (history - 1)

/** One number for each second, the newest at the right; -1 is none. */
const line = (values: ReadonlyArray<number>, top: number): readonly [area: string, path: string] => {
  let path = ""
  let area = ""
  let begin = -1
  const x = (i: number) => xOf(i, values.length).toFixed(1)
  const close = (i: number) => {
    if (begin !== -1) area += `L${x(i - 1)} ${height}L${x(begin)} ${height}Z`
    begin = -1
  }
  values.forEach((value, i) => {
    if (value < 0) return close(i)
    const point = `${begin === -1 ? "M" : "L"}${x(i)} ${(height - value / top * (height - 2)).toFixed(1)}`
    path += point
    area += point
    if (begin === -1) begin = i
  })
  close(values.length)
  return [area, path]
}

const bars = (values: ReadonlyArray<number>, top: number): string => {
  let path = ""
  values.forEach((value, i) => {
    if (value <= 0) return
    const tall = Math.max(3, value / top * (height - 2)).toFixed(1)
    path += `M${(xOf(i, values.length) - 1).toFixed(1)} ${height}v-${tall}h1.6v${tall}z`
  })
  return path
}

/** Draws one series for each of the chart's kinds. */
export const drawChart = (
  chart: Chart,
  series: ReadonlyArray<ReadonlyArray<number>>,
  unit: (value: number) => string
): void => {
  const top = Math.max(0, ...series.flat())
  const scale = Math.max(1, top)
  say(chart.most, `max ${unit(top)}`)
  const drawn = series.flatMap((values, i) => chart.kinds[i] === "bars" ? [bars(values, scale)] : line(values, scale))
  drawn.forEach((path, i) => chart.paths[i]!.setAttribute("d", path))
}

/** The mean of the last seconds: one alone is too restless to be read. */
export const recent = (values: ReadonlyArray<number>): number => {
  const last = values.slice(-5).filter((value) => value >= 0)
  return last.length === 0 ? 0 : last.reduce((a, b) => a + b, 0) / last.length
}
