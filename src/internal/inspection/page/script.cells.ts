/** The objects of a pool, each a cell of a canvas: ten thousand elements would be too many for a page. */
export const cells = /* js */ String.raw`
const SIZES = [46, 36, 28, 22, 16, 12, 9, 7, 5, 4, 3]
const TALLEST = 330

let palette
const colours = () => {
  if (palette !== undefined) return palette
  const style = getComputedStyle(document.documentElement)
  palette = { text: style.getPropertyValue("--text"), soft: style.getPropertyValue("--soft"), focus: style.getPropertyValue("--focus") }
  for (const letter of LETTERS) {
    const of = (part) => style.getPropertyValue("--" + letter + part).trim()
    palette[letter] = { fill: of(""), line: of("-line"), text: of("-text") }
  }
  return palette
}
dark.addEventListener("change", () => {
  palette = undefined
  for (const pool of state.pools.values()) pool.drawn = false
  render()
})

/** The largest cells with which all objects fit. */
const grid = (n, width) => {
  for (const size of SIZES) {
    const columns = Math.max(1, Math.floor(width / size))
    const rows = Math.ceil(n / columns)
    if (rows * size <= TALLEST || size === SIZES.at(-1)) return { size, columns, rows }
  }
}

/**
 * For how many objects there is room: for as many as there have been, and may be in a small pool. What is below stays where
 * it is, as long as the pool does not shrink much.
 */
const placesOf = (pool, view) => {
  const n = Math.max(pool.ids.length, Math.min(pool.picture?.stats.max ?? 0, 48))
  if (n > view.places || n < view.places / 4) view.places = n
  return view.places
}

const drawCells = (pool, view) => {
  const { canvas } = view
  const width = canvas.clientWidth
  const n = pool.ids.length
  if (width === 0) return
  const layout = grid(placesOf(pool, view), width)
  const { columns, rows, size } = view.layout = layout
  const height = Math.max(1, rows) * size
  const scale = devicePixelRatio || 1
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    canvas.style.height = height + "px"
  }
  const context = canvas.getContext("2d")
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  pool.drawn = true
  const at = (i) => [i % columns * size, Math.floor(i / columns) * size]
  if (size >= 16) for (let i = 0; i < n; i++) drawTile(context, pool, i, ...at(i), size)
  else drawDots(context, pool, at, size, n)
  const chosen = view.chosen === undefined ? -1 : pool.ids.indexOf(view.chosen)
  if (chosen !== -1) {
    const [x, y] = at(chosen)
    context.strokeStyle = colours().text
    context.lineWidth = 2
    context.strokeRect(x + .5, y + .5, Math.max(size - 2, 5), Math.max(size - 2, 5))
  }
}

/** Small cells, one colour after the other. */
const drawDots = (context, pool, at, size, n) => {
  const side = size - 1
  for (const letter of LETTERS) {
    const { fill, line } = colours()[letter]
    // the pale fill of a large cell would not be seen
    context.fillStyle = letter === "A" || letter === "D" ? (size < 7 ? line : fill) : fill
    for (let i = pool.letters.indexOf(letter); i !== -1 && i < n; i = pool.letters.indexOf(letter, i + 1)) {
      const [x, y] = at(i)
      context.fillRect(x, y, side, side)
    }
  }
}

const drawTile = (context, pool, i, x, y, size) => {
  const letter = pool.letters[i]
  const id = pool.ids[i]
  const row = pool.rows.get(id)
  const { fill, line, text } = colours()[letter]
  const side = size - 4
  context.beginPath()
  context.roundRect(x + 1, y + 1, side, side, size > 24 ? 6 : 3)
  context.fillStyle = fill
  context.fill()
  context.lineWidth = 1.25
  context.strokeStyle = line
  context.stroke()
  const flashed = pool.flashes.get(id)
  if (flashed !== undefined && !still.matches) {
    const left = 1 - (performance.now() - flashed) / 600
    if (left <= 0) pool.flashes.delete(id)
    else {
      context.globalAlpha = left * .9
      context.lineWidth = 3
      context.stroke()
      context.globalAlpha = 1
    }
  }
  context.fillStyle = text
  if (size >= 28) {
    context.font = "600 " + (size >= 36 ? 11 : 10) + "px system-ui, sans-serif"
    context.textAlign = "left"
    context.textBaseline = "top"
    context.fillText(id, x + 5, y + 5, side - 14)
  }
  const sharers = row === undefined ? 0 : row[4].length + row[8]
  const sign = sharers > 1 && size >= 28 ? "×" + sharers : SIGNS[letter]
  if (sign !== "") {
    context.font = "700 " + (sharers > 1 ? 10 : Math.min(13, size * .6)) + "px system-ui, sans-serif"
    context.textAlign = size >= 28 ? "right" : "center"
    context.textBaseline = size >= 28 ? "top" : "middle"
    if (size >= 28) context.fillText(sign, x + side - 3, y + 4)
    else context.fillText(sign, x + 1 + side / 2, y + 1 + side / 2)
  }
  if (row === undefined || size < 36) return
  const [lease] = row[4]
  const time = now()
  context.font = "10px system-ui, sans-serif"
  context.textAlign = "left"
  context.textBaseline = "bottom"
  if (lease !== undefined) {
    context.fillText(span(time - lease[2]), x + 5, y + side - 3, side - 8)
    if (lease[3] > 0) {
      // what is left of the lease
      const left = Math.max(0, Math.min(1, (lease[3] - time) / (lease[3] - lease[2])))
      context.globalAlpha = .3
      context.fillRect(x + 4, y + side - 3, side - 6, 2.5)
      context.globalAlpha = 1
      context.fillRect(x + 4, y + side - 3, (side - 6) * left, 2.5)
    }
  } else if (row[5] > 0) context.fillText(span(Math.max(0, row[5] - time)), x + 5, y + side - 3, side - 8)
}

/** Which object is there? */
const cellAt = (pool, view, event) => {
  if (view.layout === undefined) return undefined
  const { columns, size } = view.layout
  const box = view.canvas.getBoundingClientRect()
  const column = Math.floor((event.clientX - box.left) / size)
  const row = Math.floor((event.clientY - box.top) / size)
  return column < 0 || column >= columns ? undefined : pool.ids[row * columns + column]
}

const KEYS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0, Home: 0, End: 0 }
const moveChosen = (pool, view, key) => {
  const last = pool.ids.length - 1
  const columns = view.layout?.columns ?? 1
  const from = view.chosen === undefined ? -1 : pool.ids.indexOf(view.chosen)
  let to = from + KEYS[key]
  if (key === "ArrowDown") to = from === -1 ? 0 : from + columns
  if (key === "ArrowUp") to = from === -1 ? 0 : from - columns
  if (key === "Home") to = 0
  if (key === "End") to = last
  if (to >= 0 && to <= last) view.chosen = pool.ids[to]
}
`
