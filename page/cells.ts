/** The objects of a pool, each a cell of a canvas: ten thousand elements would be too many for a page. */
import type { Letter, ObjectRow } from "../src/internal/inspection/frame.ts"
import { span, still } from "./dom.ts"
import { shareOf } from "./limits.ts"
import { letters, now, type Pool, signs } from "./state.ts"

const sizes = [46, 36, 28, 22, 16, 12, 9, 7, 5, 4, 3]
const tallest = 330

interface Layout {
  readonly size: number
  readonly columns: number
  readonly rows: number
}

/** What is drawn on, and which object is chosen. */
export interface Cells {
  readonly canvas: HTMLCanvasElement
  layout: Layout | undefined
  chosen: number | undefined
  /** For how many objects there is room. */
  places: number
}

interface Colours {
  readonly fill: string
  readonly line: string
  readonly text: string
}

let palette: { readonly text: string; readonly of: Readonly<Record<Letter, Colours>> } | undefined

const colours = () => palette ??= readColours()

const readColours = () => {
  const style = getComputedStyle(document.documentElement)
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const of = letters.map((letter) => [
    letter,
    { fill: value(letter), line: value(`${letter}-line`), text: value(`${letter}-text`) }
  ])
  return { text: value("text"), of: Object.fromEntries(of) as Record<Letter, Colours> }
}

/** The page has other colours now. */
export const forgetColours = (): void => {
  palette = undefined
}

/** The largest cells with which all objects fit. */
const grid = (n: number, width: number): Layout => {
  const layouts = sizes.map((size) => {
    const columns = Math.max(1, Math.floor(width / size))
    return { size, columns, rows: Math.ceil(n / columns) }
  })
  return layouts.find(({ rows, size }) => rows * size <= tallest) ?? layouts.at(-1)!
}

/**
 * For how many objects there is room: for as many as there have been, and may be in a small pool. What is below stays where
 * it is, as long as the pool does not shrink much.
 */
export const placesOf = (pool: Pool, view: Cells): number => {
  const n = Math.max(pool.ids.length, Math.min(pool.picture.stats.max ?? 0, 48))
  if (n > view.places || n < view.places / 4) view.places = n
  return view.places
}

export const drawCells = (pool: Pool, view: Cells): void => {
  const { canvas } = view
  const width = canvas.clientWidth
  const n = pool.ids.length
  const context = canvas.getContext("2d")
  if (width === 0 || context === null) return
  const { columns, rows, size } = view.layout = grid(placesOf(pool, view), width)
  const height = Math.max(1, rows) * size
  const scale = devicePixelRatio || 1
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    canvas.style.height = `${height}px`
  }
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  const at = (i: number) => [i % columns * size, Math.floor(i / columns) * size] as const
  if (size >= 16) { for (let i = 0; i < n; i++) drawTile(context, pool, i, at(i), size) }
  else drawDots(context, pool, at, size)
  const chosen = view.chosen === undefined ? -1 : pool.ids.indexOf(view.chosen)
  if (chosen === -1) return
  const [x, y] = at(chosen)
  context.strokeStyle = colours().text
  context.lineWidth = 2
  context.strokeRect(x + .5, y + .5, Math.max(size - 2, 5), Math.max(size - 2, 5))
}

/** Small cells, one colour after the other. */
const drawDots = (
  context: CanvasRenderingContext2D,
  { ids, letters: all }: Pool,
  at: (i: number) => readonly [x: number, y: number],
  size: number
): void => {
  const side = size - 1
  for (const letter of letters) {
    const { fill, line } = colours().of[letter]
    // the pale fill of a large cell would not be seen
    context.fillStyle = (letter === "A" || letter === "D") && size < 7 ? line : fill
    for (let i = all.indexOf(letter); i !== -1 && i < ids.length; i = all.indexOf(letter, i + 1)) {
      const [x, y] = at(i)
      context.fillRect(x, y, side, side)
    }
  }
}

/** A cell with its number, its sign, and how long it has been lent or is to rest, as far as there is room. */
const drawTile = (
  context: CanvasRenderingContext2D,
  pool: Pool,
  i: number,
  [x, y]: readonly [x: number, y: number],
  size: number
): void => {
  const letter = pool.letters[i] as Letter
  const id = pool.ids[i]!
  const row = pool.rows.get(id)
  const { fill, line, text } = colours().of[letter]
  const side = size - 4
  context.beginPath()
  context.roundRect(x + 1, y + 1, side, side, size > 24 ? 6 : 3)
  context.fillStyle = fill
  context.fill()
  context.lineWidth = 1.25
  context.strokeStyle = line
  context.stroke()
  flash(context, pool, id)
  context.fillStyle = text
  if (size >= 28) {
    context.font = `600 ${size >= 36 ? 11 : 10}px system-ui, sans-serif`
    context.textAlign = "left"
    context.textBaseline = "top"
    context.fillText(String(id), x + 5, y + 5, side - 14)
  }
  drawSign(context, letter, row, [x, y], size)
  if (row === undefined || size < 36) return
  drawAllowances(context, row, [x, y], size)
  drawTimes(context, row, [x, y], side)
}

/** What is left of the allowances of an object, as far as there is room: of those of which the least is left. */
const drawAllowances = (
  context: CanvasRenderingContext2D,
  row: ObjectRow,
  [x, y]: readonly [x: number, y: number],
  size: number
): void => {
  const shares = (row[9]?.allowances ?? []).map(([, left, limit]) => shareOf(left, limit))
  const most = size >= 46 ? 2 : 1
  const shown = shares.length > most ? shares.toSorted((a, b) => a - b).slice(0, most) : shares
  const width = size - 10
  shown.forEach((share, i) => {
    const top = y + 19 + i * 5
    context.globalAlpha = .3
    context.fillRect(x + 4, top, width, 3)
    context.globalAlpha = 1
    context.fillRect(x + 4, top, width * share, 3)
  })
}

/** What has just changed is seen for a moment. */
const flash = (context: CanvasRenderingContext2D, { flashes }: Pool, id: number): void => {
  const flashed = flashes.get(id)
  if (flashed === undefined || still.matches) return
  const left = 1 - (performance.now() - flashed) / 600
  if (left <= 0) {
    flashes.delete(id)
    return
  }
  context.globalAlpha = left * .9
  context.lineWidth = 3
  context.stroke()
  context.globalAlpha = 1
}

const drawSign = (
  context: CanvasRenderingContext2D,
  letter: Letter,
  row: ObjectRow | undefined,
  [x, y]: readonly [x: number, y: number],
  size: number
): void => {
  const side = size - 4
  const sharers = row === undefined ? 0 : row[4].length + row[8]
  const sign = sharers > 1 && size >= 28 ? `×${sharers}` : signs[letter]
  if (sign === "") return
  context.font = `700 ${sharers > 1 ? 10 : Math.min(13, size * .6)}px system-ui, sans-serif`
  context.textAlign = size >= 28 ? "right" : "center"
  context.textBaseline = size >= 28 ? "top" : "middle"
  if (size >= 28) context.fillText(sign, x + side - 3, y + 4)
  else context.fillText(sign, x + 1 + side / 2, y + 1 + side / 2)
}

const drawTimes = (
  context: CanvasRenderingContext2D,
  row: ObjectRow,
  [x, y]: readonly [x: number, y: number],
  side: number
): void => {
  const [lease] = row[4]
  const wakesAt = row[5]
  const time = now()
  context.font = "10px system-ui, sans-serif"
  context.textAlign = "left"
  context.textBaseline = "bottom"
  if (lease === undefined) {
    if (wakesAt > 0) context.fillText(span(Math.max(0, wakesAt - time)), x + 5, y + side - 3, side - 8)
    return
  }
  const [, , borrowedAt, expiresAt] = lease
  context.fillText(span(time - borrowedAt), x + 5, y + side - 3, side - 8)
  if (expiresAt === 0) return
  // what is left of the lease
  const left = Math.max(0, Math.min(1, (expiresAt - time) / (expiresAt - borrowedAt)))
  context.globalAlpha = .3
  context.fillRect(x + 4, y + side - 3, side - 6, 2.5)
  context.globalAlpha = 1
  context.fillRect(x + 4, y + side - 3, (side - 6) * left, 2.5)
}

/** Which object is there? */
export const cellAt = (pool: Pool, { canvas, layout }: Cells, event: MouseEvent): number | undefined => {
  if (layout === undefined) return undefined
  const { columns, size } = layout
  const box = canvas.getBoundingClientRect()
  const column = Math.floor((event.clientX - box.left) / size)
  const row = Math.floor((event.clientY - box.top) / size)
  return column < 0 || column >= columns ? undefined : pool.ids[row * columns + column]
}

/** Chooses another object by a key: `false` if the key is for something else. */
export const moveChosen = (pool: Pool, view: Cells, key: string): boolean => {
  const last = pool.ids.length - 1
  const columns = view.layout?.columns ?? 1
  const from = view.chosen === undefined ? -1 : pool.ids.indexOf(view.chosen)
  const to = {
    ArrowRight: from + 1,
    ArrowLeft: from - 1,
    ArrowDown: from === -1 ? 0 : from + columns,
    ArrowUp: from === -1 ? 0 : from - columns,
    Home: 0,
    End: last
  }[key]
  if (to === undefined) return false
  if (to >= 0 && to <= last) view.chosen = pool.ids[to]
  return true
}
