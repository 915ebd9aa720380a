/** The card of a pool. */
export const pool = /* js */ String.raw`
const views = new Map()
const WAITERS = 8
const ROWS = 200

const makeView = (id) => {
  const view = { id, chosen: undefined, pinned: false, fetched: undefined, places: 0 }
  const pool = () => state.pools.get(id)
  view.canvas = el("canvas", { class: "cells", tabindex: 0, role: "application", "aria-roledescription": "map of objects", on: {
    pointermove: (event) => {
      if (view.pinned) return
      view.chosen = cellAt(pool(), view, event)
      touched()
    },
    pointerleave: () => {
      if (view.pinned) return
      view.chosen = undefined
      touched()
    },
    click: (event) => {
      const hit = cellAt(pool(), view, event)
      view.pinned = hit !== undefined && !(view.pinned && hit === view.chosen)
      view.chosen = hit
      touched()
    },
    keydown: (event) => {
      if (event.key === "Escape") {
        view.pinned = false
        view.chosen = undefined
      } else if (event.key in KEYS) {
        moveChosen(pool(), view, event.key)
        view.pinned = view.chosen !== undefined
      } else return
      event.preventDefault()
      touched()
    }
  } })
  const touched = () => {
    view.fetched = undefined
    drawCells(pool(), view)
    drawDetail(pool(), view)
  }
  view.title = el("h2", {})
  view.badge = el("span", { class: "badge" })
  view.size = el("span", { class: "size" })
  view.actions = el("div", { class: "actions" })
  view.legend = new Map([...LETTERS, "M"].map((letter) => {
    const number = el("b", {}, "0")
    const item = el("li", {}, el("span", { class: "dot " + letter, "aria-hidden": "true" }, SIGNS[letter] ?? ""), number,
      letter === "M" ? "being made" : letter === "O" ? "overdue" : NAMES[letter].toLowerCase())
    return [letter, { item, number }]
  }))
  view.detail = el("div", { class: "detail", "aria-live": "polite" })
  view.borrows = makeChart("Borrows per second", ["low"])
  view.waits = makeChart("Wait", ["high", "low"])
  view.timeouts = makeChart("Time-outs", ["bars"])
  view.queueTitle = el("h3", {})
  view.queue = el("ol", {})
  view.rows = el("tbody", {})
  view.tableNote = el("caption", {})
  view.table = el("details", { on: { toggle: () => drawTable(pool(), view) } }, el("summary", {}, "Objects as a table"),
    el("div", { class: "scroll", tabindex: 0 }, el("table", {}, view.tableNote, el("thead", {}, el("tr", {},
      ...["Object", "Status", "Age", "Uses", "Holder", "Held", "Time left", "Description", ""].map((name, i) =>
        el(name === "" ? "td" : "th", { scope: name === "" ? false : "col", class: [1, 4, 7].includes(i) ? "l" : false }, name))
    )), view.rows)))
  view.element = el("article", { class: "pool card", id: "pool-" + id, tabindex: -1 },
    el("header", {}, el("div", { class: "name" }, view.title, view.badge), view.size, view.actions),
    el("ul", { class: "legend", "aria-label": "Objects by status" }, ...[...view.legend.values()].map(({ item }) => item)),
    el("div", {}, view.canvas, view.detail),
    el("div", { class: "charts" }, view.borrows.element, view.waits.element, view.timeouts.element),
    el("div", { class: "queue" }, view.queueTitle, view.queue),
    view.table)
  new ResizeObserver(() => drawCells(pool() ?? { ids: [], letters: "", rows: new Map(), flashes: new Map() }, view)).observe(view.canvas)
  return view
}

const drawPool = (pool, view) => {
  const { picture } = pool
  const { stats } = picture
  say(view.title, picture.name)
  const mood = picture.life !== "Open" ? picture.life.toLowerCase() : picture.suspended ? "suspended" : "open"
  say(view.badge, mood)
  mark(view.badge, "warn", mood !== "open")
  say(view.size, count(stats.size) + (stats.size === 1 ? " object" : " objects") +
    (stats.max === undefined ? "" : ", " + stats.min + " to " + count(stats.max)) +
    (picture.sharing > 1 ? ", each for " + picture.sharing + " at once" : ""))
  const numbers = { A: stats.available, B: stats.borrowed, O: overdueObjects(pool), P: stats.pending,
    D: stats.dormant, U: stats.unknown, I: stats.invalid, M: stats.making }
  for (const [letter, { item, number }] of view.legend) {
    say(number, count(numbers[letter]))
    mark(item, "none", numbers[letter] === 0)
  }
  view.canvas.setAttribute("aria-label", picture.name + ": " + count(stats.size) + " objects, " + count(stats.borrowed) +
    " borrowed, " + count(stats.available) + " available. The arrow keys go from object to object.")
  view.canvas.hidden = placesOf(pool, view) === 0
  drawCells(pool, view)
  drawDetail(pool, view)
  drawCharts(pool, view)
  drawQueue(pool, view)
  drawActions(pool, view)
  drawTable(pool, view)
}

const overdueObjects = (pool) => {
  let n = 0
  for (let i = pool.letters.indexOf("O"); i !== -1; i = pool.letters.indexOf("O", i + 1)) n++
  return n
}

const drawCharts = (pool, view) => {
  const { minute, seconds } = pool
  if (seconds === undefined || view.chartsAt === seconds.end) return
  view.chartsAt = seconds.end
  say(view.borrows.value, rate(recent(seconds.borrows)))
  drawChart(view.borrows, [seconds.borrows], rate)
  view.waits.value.replaceChildren(...(minute.p99 < 0 ? ["–"] : [
    el("small", {}, el("i", { class: "key low" }), "p50 "), span(minute.p50) + " ",
    el("small", { class: "second" }, el("i", { class: "key high" }), "p99 "), span(minute.p99)]))
  drawChart(view.waits, [seconds.p99, seconds.p50], span)
  view.timeouts.value.replaceChildren(count(minute.timeouts), el("small", {}, " in the last minute"))
  drawChart(view.timeouts, [seconds.timeouts], count)
}

const drawQueue = (pool, view) => {
  const { stats, waiters } = pool.picture
  const shown = waiters.slice(0, WAITERS)
  const rest = stats.waiting - shown.length
  say(view.queueTitle, stats.waiting === 0 ? "Nobody waits" : count(stats.waiting) + (stats.waiting === 1 ? " waits" : " wait") +
    (rest > 0 ? ", the first " + shown.length + " of them" : ""))
  while (view.queue.children.length > shown.length) view.queue.lastChild.remove()
  while (view.queue.children.length < shown.length) {
    view.queue.append(el("li", {}, el("span", {}), el("span", { class: "bar" }, el("i", {})), el("span", {})))
  }
  const time = now()
  shown.forEach(([fiber, since, until, priority, doing], i) => {
    const [who, bar, what] = view.queue.children[i].children
    const part = until === 0 ? 0 : Math.min(1, (time - since) / (until - since))
    say(who, borrower(fiber))
    bar.firstChild.style.width = (part * 100).toFixed(1) + "%"
    mark(bar.firstChild, "late", part > .75)
    say(what, span(time - since) + (until === 0 ? "" : " of " + span(until - since)) + (doing === "Waiting" ? "" : ", " + DOING[doing]) +
      (priority === 0 ? "" : ", priority " + priority))
  })
}
const DOING = { Acquiring: "one is being made", Detecting: "one is being checked", Choosing: "one is being chosen",
  BackingOff: "backs off", Suspended: "pool suspended" }

const borrower = (owner) => owner === 0 ? "a promise" : "fiber #" + owner
const statusOf = (row) => NAMES[row[1]] + (row[6] === 1 ? ", leaving" : "")
const holders = (row) => row[4].map((lease) => borrower(lease[1])).join(", ") + (row[8] > 0 ? " and " + count(row[8]) + " more" : "")

const drawDetail = (pool, view) => {
  if (view.chosen === undefined || !pool.ids.includes(view.chosen)) {
    view.chosen = undefined
    view.pinned = false
    view.shown = undefined
    const { beyond } = pool.picture.objects
    return say(view.detail, pool.ids.length === 0 ? "It holds no object." : beyond > 0 ? "… and " + count(beyond) + " objects more" :
      "Point at an object, or go to it with the arrow keys.")
  }
  const row = pool.rows.get(view.chosen) ?? (view.fetched?.[0] === view.chosen ? view.fetched : undefined)
  if (row === undefined) return fetchRow(pool, view)
  const time = now()
  const parts = [["Object " + row[0], statusOf(row)]]
  for (const lease of row[4]) {
    parts.push([borrower(lease[1]), "for " + span(time - lease[2]) +
      (lease[3] > 0 ? ", " + (lease[3] > time ? span(lease[3] - time) + " left" : "time is over") : "")])
  }
  if (row[8] > 0) parts.push(["and " + count(row[8]), "leases more"])
  if (row[5] > 0) parts.push(["wakes", "in " + span(Math.max(0, row[5] - time))])
  parts.push(["lent", row[3] === 1 ? "once" : count(row[3]) + " times"], [span(time - row[2]), "old"])
  if (row[7] !== "") parts.push([row[7], ""])
  const key = row[0] + ":" + parts.length + ":" + state.actions
  if (view.shown !== key) {
    view.shown = key
    view.detail.replaceChildren(...parts.map(() => el("span", {}, el("b", {}), " ", el("span", {}))))
    if (state.actions) view.detail.append(destroyButton(pool, row[0]))
  }
  parts.forEach(([strong, soft], i) => {
    say(view.detail.children[i].firstChild, strong)
    say(view.detail.children[i].lastChild, soft)
  })
}

/** Of a large pool not every object comes with all its numbers. */
const fetchRow = (pool, view) => {
  view.shown = undefined
  say(view.detail, "Object " + view.chosen + ", " + NAMES[pool.letters[pool.ids.indexOf(view.chosen)]])
  if (view.fetching !== undefined) return
  const id = view.chosen
  view.fetching = setTimeout(() => {
    fetch(root + "/pools/" + pool.id + "/objects/" + id)
      .then((response) => response.ok ? response.json() : undefined)
      .then((row) => {
        view.fetched = row
      }, () => {})
      .then(() => {
        view.fetching = undefined
        const latest = state.pools.get(pool.id)
        if (latest !== undefined) drawDetail(latest, view)
      })
  }, 120)
}

const drawTable = (pool, view) => {
  if (!view.table.open || pool === undefined) return
  const oldest = (row) => row[4][0]?.[2] ?? Infinity
  const all = [...pool.rows.values()].sort((a, b) => oldest(a) - oldest(b) || a[0] - b[0])
  const rows = all.slice(0, ROWS)
  say(view.tableNote, count(rows.length) + " of " + count(pool.picture.stats.size) + " objects, the longest held first")
  while (view.rows.children.length > rows.length) view.rows.lastChild.remove()
  while (view.rows.children.length < rows.length) {
    view.rows.append(el("tr", {}, el("th", { scope: "row" }), ...Array.from({ length: 8 }, (_, i) => el("td", { class: [0, 3, 6].includes(i) ? "l" : false }))))
  }
  const time = now()
  rows.forEach((row, i) => {
    const cells = view.rows.children[i].children
    const [lease] = row[4]
    say(cells[0], row[0])
    say(cells[1], statusOf(row))
    say(cells[2], span(time - row[2]))
    say(cells[3], count(row[3]))
    say(cells[4], holders(row))
    say(cells[5], lease === undefined ? "" : span(time - lease[2]))
    say(cells[6], lease === undefined || lease[3] === 0 ? "" : lease[3] > time ? span(lease[3] - time) : "over")
    say(cells[7], row[7])
    mark(cells[1], "hot", row[1] === "O")
    if (state.actions && cells[8].dataset.id !== String(row[0])) {
      cells[8].dataset.id = row[0]
      cells[8].replaceChildren(destroyButton(pool, row[0]))
    }
  })
}
`
