/** What every part of the script uses. Everything that comes from a pool is set as text, never as markup. */
export const base = /* js */ String.raw`
const $ = (id) => document.getElementById(id)
const root = location.pathname.replace(/\/+$/, "")
const token = document.querySelector("meta[name=inspector-token]")?.content

const LETTERS = "ABOPDUI"
const NAMES = { A: "Available", B: "Borrowed", O: "Overdue", P: "Pending", D: "Dormant", U: "Unknown", I: "Invalid" }
const SIGNS = { A: "", B: "", O: "!", P: "…", D: "z", U: "?", I: "×" }
const EVERYDAY = new Set(["Borrowed", "Released", "StatusChanged", "Detected"])
const still = matchMedia("(prefers-reduced-motion: reduce)")
const dark = matchMedia("(prefers-color-scheme: dark)")

/** An element with attributes and children; children are nodes or text. */
const el = (name, attributes, ...children) => {
  const element = document.createElement(name)
  for (const key in attributes) {
    const value = attributes[key]
    if (key === "on") for (const type in value) element.addEventListener(type, value[type])
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value)
  }
  element.append(...children)
  return element
}
const svg = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const key in attributes) element.setAttribute(key, attributes[key])
  return element
}
/** Touches the page only where something is different: selections and screen readers are left alone. */
const say = (element, text) => {
  text = String(text)
  if (element.textContent !== text) element.textContent = text
}
const mark = (element, name, on) => {
  if (element.classList.contains(name) !== on) element.classList.toggle(name, on)
}

const span = (millis) => {
  if (millis < 0) return "–"
  if (millis < 999.5) return Math.round(millis) + " ms"
  const seconds = millis / 1000
  if (seconds < 9.95) return seconds.toFixed(1) + " s"
  if (seconds < 119.5) return Math.round(seconds) + " s"
  if (seconds < 7170) return Math.round(seconds / 60) + " min"
  return seconds < 171000 ? Math.round(seconds / 3600) + " h" : Math.round(seconds / 86400) + " d"
}
const rate = (n) => n === 0 ? "0" : n < 9.95 ? n.toFixed(1) : Math.round(n).toLocaleString("en")
const count = (n) => n.toLocaleString("en")
/** In the zone of the times that the server writes in its own texts. */
const clock = (at) => new Date(at).toISOString().slice(11, 23)

// ------------------------------------------------------------------------------------------------------------- the state

const state = { at: 0, received: 0, actions: false, order: [], more: 0, troubles: [], pools: new Map(), everyday: [], notable: [] }
/** The time of the server, between frames as well; where it is gone, of the moment when it went: nothing grows older then. */
const now = () => state.at + (lostAt > 0 ? Math.max(state.received, lostAt) : performance.now()) - state.received

const HISTORY = 300
const KEPT = 1000

const take = (frame) => {
  if (frame.full) {
    state.everyday = []
    state.notable = []
    for (const pool of state.pools.values()) pool.seconds = undefined
  }
  state.at = frame.at
  state.received = performance.now()
  state.actions = frame.actions && token !== undefined
  state.order = frame.pools
  state.more = frame.more
  state.troubles = frame.troubles
  for (const id of [...state.pools.keys()]) if (!frame.pools.includes(id)) state.pools.delete(id)
  for (const picture of frame.changed) {
    const pool = state.pools.get(picture.id) ?? { id: picture.id, flashes: new Map(), minute: undefined, seconds: undefined }
    pool.before = pool.picture
    pool.picture = picture
    pool.drawn = false
    index(pool)
    state.pools.set(picture.id, pool)
  }
  for (const fresh of frame.seconds) remember(state.pools.get(fresh.pool), fresh)
  for (const event of frame.events) (EVERYDAY.has(event[3]) ? state.everyday : state.notable).push(event)
  state.everyday.splice(0, Math.max(0, state.everyday.length - KEPT))
  state.notable.splice(0, Math.max(0, state.notable.length - KEPT))
}

/** Ids and letters of all objects, whether they came in detail or not. */
const index = (pool) => {
  const { cells, rows } = pool.picture.objects
  pool.rows = new Map(rows.map((row) => [row[0], row]))
  if (cells === undefined) {
    pool.ids = rows.map((row) => row[0])
    pool.letters = rows.map((row) => row[1]).join("")
    if (pool.lettersOf !== undefined) {
      for (const [id, letter] of rows) if (pool.lettersOf.get(id) !== letter) pool.flashes.set(id, performance.now())
    }
    pool.lettersOf = new Map(rows.map((row) => [row[0], row[1]]))
  } else {
    pool.ids = []
    for (let i = 0; i < cells.runs.length; i += 2) {
      for (let k = 0; k < cells.runs[i + 1]; k++) pool.ids.push(cells.runs[i] + k)
    }
    pool.letters = cells.letters
    pool.lettersOf = undefined
    pool.flashes.clear()
  }
}

/** Puts new seconds behind those that are known, by their time: there may be a gap. */
const remember = (pool, fresh) => {
  if (pool === undefined) return
  pool.minute = fresh.minute
  const end = fresh.from + fresh.borrows.length
  const kept = pool.seconds ??= { end: fresh.from, borrows: [], p50: [], p99: [], timeouts: [] }
  for (const key of ["borrows", "p50", "p99", "timeouts"]) {
    const values = kept[key]
    for (let second = Math.max(kept.end, fresh.from - HISTORY); second < fresh.from; second++) values.push(-1)
    values.push(...fresh[key].slice(Math.max(0, kept.end - fresh.from)))
    values.splice(0, Math.max(0, values.length - HISTORY))
  }
  kept.end = Math.max(kept.end, end)
}
`
