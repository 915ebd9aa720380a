/** Sparklines of the last 5 minutes. */
export const charts = /* js */ String.raw`
const WIDTH = 300
const HEIGHT = 40

const makeChart = (title, keys) => {
  const paths = keys.flatMap((key) =>
    key === "bars" ? [svg("path", { class: "bars" })] : [svg("path", { class: key + " area" }), svg("path", { class: key })])
  const drawing = svg("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, preserveAspectRatio: "none", "aria-hidden": "true" })
  drawing.append(svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), ...paths)
  const value = el("div", { class: "value" })
  const most = el("span", {})
  const element = el("div", { class: "chart" }, el("h3", {}, title), value, drawing,
    el("div", { class: "range", "aria-hidden": "true" }, el("span", {}, "5 min"), most, el("span", {}, "now")))
  return { element, value, most, paths, keys }
}

/** One number for each second, the newest at the right; -1 is none. */
const line = (values, top) => {
  let path = ""
  let area = ""
  let begin = -1
  const x = (i) => WIDTH - (values.length - 1 - i) * WIDTH / (HISTORY - 1)
  const close = (i) => {
    if (begin !== -1) area += "L" + x(i - 1).toFixed(1) + " " + HEIGHT + "L" + x(begin).toFixed(1) + " " + HEIGHT + "Z"
    begin = -1
  }
  values.forEach((value, i) => {
    if (value < 0) return close(i)
    const point = x(i).toFixed(1) + " " + (HEIGHT - value / top * (HEIGHT - 2)).toFixed(1)
    path += (begin === -1 ? "M" : "L") + point
    area += (begin === -1 ? "M" : "L") + point
    if (begin === -1) begin = i
  })
  close(values.length)
  return [area, path]
}

const bars = (values, top) => {
  let path = ""
  values.forEach((value, i) => {
    if (value <= 0) return
    const x = WIDTH - (values.length - 1 - i) * WIDTH / (HISTORY - 1)
    const height = Math.max(3, value / top * (HEIGHT - 2))
    path += "M" + (x - 1).toFixed(1) + " " + HEIGHT + "v" + (-height).toFixed(1) + "h1.6v" + height.toFixed(1) + "z"
  })
  return path
}

const drawChart = (chart, series, unit) => {
  const top = Math.max(1, ...series.flat())
  say(chart.most, "max " + unit(Math.max(0, ...series.flat())))
  const drawn = series.flatMap((values, i) => chart.keys[i] === "bars" ? [bars(values, top)] : line(values, top))
  drawn.forEach((path, i) => chart.paths[i].setAttribute("d", path))
}

/** The mean of the last seconds: one alone is too restless to be read. */
const recent = (values) => {
  const last = values.slice(-5).filter((value) => value >= 0)
  return last.length === 0 ? 0 : last.reduce((a, b) => a + b, 0) / last.length
}
`
