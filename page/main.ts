/** From a frame to the page, and what keeps frames coming. */
import type { Frame } from "../src/internal/inspection/frame.ts"
import { root, token } from "./actions.ts"
import { drawCells, forgetColours } from "./cells.ts"
import { byId, count, dark, on, say, still } from "./dom.ts"
import { drawEventPools, drawEvents } from "./events.ts"
import { drawPool, makeView, type View } from "./pool.ts"
import { pools, state, take } from "./state.ts"
import { drawOverview, drawTroubles } from "./summary.ts"

const views = new Map<number, View>()
let paused = false

const viewOf = (id: number): View => {
  const known = views.get(id)
  if (known !== undefined) return known
  const view = makeView(id)
  views.set(id, view)
  byId("pools").append(view.element)
  return view
}

const render = (): void => {
  if (paused || state.at === 0) return
  drawTroubles()
  drawOverview()
  byId("none").hidden = state.order.length > 0
  byId("more").hidden = state.more === 0
  say(byId("more"), `… and ${count(state.more)} pools more, that are not shown`)
  for (const [id, view] of views) {
    if (state.pools.has(id)) continue
    view.element.remove()
    views.delete(id)
  }
  for (const pool of pools()) drawPool(pool, viewOf(pool.id))
  drawEventPools()
  drawEvents(false)
}

let asked = false
const renderSoon = (): void => {
  if (asked) return
  asked = true
  requestAnimationFrame(() => {
    asked = false
    render()
  })
}

dark.addEventListener("change", () => {
  forgetColours()
  render()
})

/** Between frames time goes on: of small pools, where it can be seen. */
setInterval(() => {
  if (paused || still.matches || document.hidden) return
  for (const [id, view] of views) {
    const pool = state.pools.get(id)
    if (pool === undefined || pool.ids.length > 200) continue
    const { dormant, leases } = pool.picture.stats
    if (pool.flashes.size > 0 || leases > 0 || dormant > 0) drawCells(pool, view)
  }
}, 80)

// ---------------------------------------------------------------------------------------------------------------- frames

/** A stream ends after 4 seconds, and is followed by another: where nothing is heard for twice as long, nobody is there. */
const silence = 8000
/** A stream ends every few seconds, and the next begins at once: that is no loss. */
const gap = 2500

let source: EventSource | undefined
let heardAt = 0

const show = (name: "lost" | "paused" | "live", text: string): void => {
  const element = byId("state")
  if (element.dataset["state"] !== name) element.dataset["state"] = name
  say(element, text)
}

const showState = (): void => {
  if (source !== undefined && performance.now() - heardAt > silence) {
    state.lostAt ||= performance.now()
    disconnect()
    connect()
  }
  if (state.lostAt > 0 && performance.now() - state.lostAt > gap) show("lost", "no connection")
  else if (paused) show("paused", "paused")
  else if (state.at > 0) show("live", "live")
}

const heard = (): void => {
  state.lostAt = 0
  heardAt = performance.now()
}

const connect = (): void => {
  if (document.hidden || source !== undefined) return
  heardAt = performance.now()
  const opened = new EventSource(`${root}/events`)
  source = opened
  opened.addEventListener("open", heard)
  opened.addEventListener("message", ({ data }: MessageEvent<string>) => {
    heard()
    take(JSON.parse(data) as Frame, token !== undefined)
    renderSoon()
  })
  opened.addEventListener("error", () => {
    state.lostAt ||= performance.now()
    // refused: the browser does not try again by itself
    if (opened.readyState !== EventSource.CLOSED || source !== opened) return
    disconnect()
    setTimeout(connect, 3000)
  })
}

const disconnect = (): void => {
  source?.close()
  source = undefined
}

// a page that nobody sees costs the server nothing
document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect())
addEventListener("pagehide", disconnect)
addEventListener("pageshow", connect)
setInterval(showState, 250)

const pause = (): void => {
  paused = !paused
  byId("pause").setAttribute("aria-pressed", String(paused))
  say(byId("pause"), paused ? "Go on" : "Pause")
  showState()
  render()
}

on(byId("pause"), { click: pause })
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target instanceof Element && event.target.closest("input, select, textarea, dialog") !== null) return
  if (event.key === "p") pause()
  else if (event.key === "/") {
    event.preventDefault()
    byId("event-text").focus()
  }
})
say(byId("host"), location.host)
connect()
