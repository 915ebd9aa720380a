/** From a frame to the page, and what keeps frames coming. */
export const main = /* js */ String.raw`
const drawTroubles = () => {
  const list = $("troubles")
  const objects = [...state.pools.values()].reduce((n, { picture }) => n + picture.stats.size, 0)
  const leases = [...state.pools.values()].reduce((n, { picture }) => n + picture.stats.leases, 0)
  const shown = state.troubles.length > 0 ? state.troubles : [{ severity: "well", pool: 0, name: "",
    text: "All is well: " + count(state.order.length) + (state.order.length === 1 ? " pool, " : " pools, ") + count(objects) + " objects, " +
      count(leases) + (leases === 1 ? " lease" : " leases") }]
  while (list.children.length > shown.length) list.lastChild.remove()
  while (list.children.length < shown.length) {
    list.append(el("li", {}, el("span", { class: "sign", "aria-hidden": "true" }), el("a", {}), el("span", { class: "text" })))
  }
  shown.forEach(({ name, pool, severity, text }, i) => {
    const item = list.children[i]
    const [sign, link, words] = item.children
    if (item.className !== severity) item.className = severity
    say(sign, { bad: "●", warning: "▲", note: "–", well: "✓" }[severity])
    say(link, name)
    link.hidden = pool === 0
    if (link.hash !== "#pool-" + pool) link.href = "#pool-" + pool
    say(words, text)
  })
  // numbers change all the time: who listens hears of it when there is something else to hear
  const kinds = state.troubles.map(({ kind, pool }) => pool + kind).join()
  if (kinds !== drawTroubles.kinds) {
    drawTroubles.kinds = kinds
    say($("said"), shown.map(({ name, text }) => name === "" ? text : name + ": " + text).join(". "))
  }
  const bad = state.troubles.filter(({ severity }) => severity === "bad").length
  document.title = bad > 0 ? "(" + bad + ") Pools" : "Pools"
}

const drawOverview = () => {
  const body = $("overview").tBodies[0]
  const pools = state.order.map((id) => state.pools.get(id)).filter((pool) => pool !== undefined)
  while (body.children.length > pools.length) body.lastChild.remove()
  while (body.children.length < pools.length) {
    body.append(el("tr", {}, el("th", { scope: "row", class: "l" }, el("a", {})), ...Array.from({ length: 15 }, (_, i) => el("td", { class: i === 0 ? "l" : false }))))
  }
  pools.forEach(({ id, minute, picture, seconds }, i) => {
    const row = body.children[i]
    const { stats } = picture
    if (row.dataset.pool !== String(id)) {
      row.dataset.pool = id
      row.firstChild.firstChild.href = "#pool-" + id
    }
    say(row.firstChild.firstChild, picture.name)
    const values = [
      picture.life !== "Open" ? picture.life.toLowerCase() : picture.suspended ? "suspended" : "open",
      count(stats.size), count(stats.available), count(stats.borrowed), count(picture.overdue), count(stats.dormant),
      count(stats.pending), count(stats.unknown), count(stats.invalid), count(stats.making), count(stats.waiting),
      seconds === undefined ? "–" : rate(recent(seconds.borrows)),
      minute === undefined ? "–" : span(minute.p50), minute === undefined ? "–" : span(minute.p99),
      minute === undefined ? "–" : count(minute.timeouts)
    ]
    values.forEach((value, k) => {
      const cell = row.children[k + 1]
      say(cell, value)
      mark(cell, "zero", value === "0" || value === "–")
      mark(cell, "hot", (k === 4 || k === 14) && value !== "0" && value !== "–")
    })
  })
}

let paused = false
const render = () => {
  if (paused || state.at === 0) return
  drawTroubles()
  drawOverview()
  $("none").hidden = state.order.length > 0
  $("more").hidden = state.more === 0
  say($("more"), "… and " + count(state.more) + " pools more, that are not shown")
  for (const [id, view] of views) {
    if (state.pools.has(id)) continue
    view.element.remove()
    views.delete(id)
  }
  for (const id of state.order) {
    const pool = state.pools.get(id)
    if (pool === undefined) continue
    let view = views.get(id)
    if (view === undefined) {
      view = makeView(id)
      views.set(id, view)
      $("pools").append(view.element)
    }
    drawPool(pool, view)
  }
  drawEventPools()
  drawEvents(false)
}

let asked = false
const renderSoon = () => {
  if (asked) return
  asked = true
  requestAnimationFrame(() => {
    asked = false
    render()
  })
}

/** Between frames time goes on: of small pools, where it can be seen. */
setInterval(() => {
  if (paused || still.matches || document.hidden) return
  for (const [id, view] of views) {
    const pool = state.pools.get(id)
    if (pool !== undefined && pool.ids.length <= 200 && (pool.flashes.size > 0 || pool.picture.stats.leases > 0)) drawCells(pool, view)
  }
}, 80)

// -------------------------------------------------------------------------------------------------------------- frames

let source
let lostAt = 0
let heardAt = 0
/** A stream ends after 4 seconds, and is followed by another: where nothing is heard for twice as long, nobody is there. */
const SILENCE = 8000
const shows = (name, text) => {
  if ($("state").dataset.state !== name) $("state").dataset.state = name
  say($("state"), text)
}
const showState = () => {
  if (source !== undefined && performance.now() - heardAt > SILENCE) {
    lostAt ||= performance.now()
    disconnect()
    connect()
  }
  // a stream ends every few seconds, and the next begins at once: that is no loss
  if (lostAt > 0 && performance.now() - lostAt > 2500) shows("lost", "no connection")
  else if (paused) shows("paused", "paused")
  else if (state.at > 0) shows("live", "live")
}
const connect = () => {
  if (document.hidden) return
  heardAt = performance.now()
  source = new EventSource(root + "/events")
  const heard = () => {
    lostAt = 0
    heardAt = performance.now()
  }
  source.onopen = heard
  source.onmessage = (message) => {
    heard()
    take(JSON.parse(message.data))
    renderSoon()
  }
  source.onerror = () => {
    lostAt ||= performance.now()
    // refused: the browser does not try again by itself
    if (source.readyState === EventSource.CLOSED) {
      disconnect()
      setTimeout(connectOnce, 3000)
    }
  }
}
const disconnect = () => {
  source?.close()
  source = undefined
}
const connectOnce = () => {
  if (source === undefined) connect()
}
// a page that nobody sees costs the server nothing
document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connectOnce())
addEventListener("pagehide", disconnect)
addEventListener("pageshow", connectOnce)
setInterval(showState, 250)

const pause = () => {
  paused = !paused
  $("pause").setAttribute("aria-pressed", paused)
  say($("pause"), paused ? "Go on" : "Pause")
  showState()
  render()
}
$("pause").addEventListener("click", pause)
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return
  if (event.key === "p") pause()
  else if (event.key === "/") {
    event.preventDefault()
    $("event-text").focus()
  }
})
say($("host"), location.host)
connect()
`
