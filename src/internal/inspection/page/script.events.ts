/** The last events, the newest first. */
export const events = /* js */ String.raw`
const SHOWN = 200
const GROUPS = {
  Leases: ["Borrowed", "Released", "LeaseExpired", "LeaseRevoked", "LeaseOverdue"],
  Statuses: ["StatusChanged", "Rested", "Woke"],
  Objects: ["Added", "Acquired", "AcquireFailed", "Evicted", "Destroyed", "DestroyFailed", "Left"],
  Detection: ["Detected", "DetectionFailed"],
  Waiters: ["WaiterTimedOut", "WaiterRefused"],
  Pool: ["Resized", "Suspended", "Resumed", "Rotated", "Closing", "Closed", "Missed"]
}
const SEVERITY = { AcquireFailed: "bad", DestroyFailed: "bad", WaiterTimedOut: "bad", LeaseExpired: "bad", LeaseRevoked: "bad", LeaseOverdue: "bad",
  DetectionFailed: "warning", WaiterRefused: "warning", Rested: "warning", Missed: "warning", Suspended: "warning" }
const groupOf = new Map(Object.entries(GROUPS).flatMap(([group, tags]) => tags.map((tag) => [tag, group])))
// moves of status are told twice otherwise: they come with nearly every other event
const groupsOn = new Set(Object.keys(GROUPS).filter((group) => group !== "Statuses"))

$("event-groups").append(...Object.keys(GROUPS).map((group) => {
  const box = el("input", { type: "checkbox", checked: groupsOn.has(group), on: { change: () => {
    if (box.checked) groupsOn.add(group)
    else groupsOn.delete(group)
    drawEvents(true)
  } } })
  return el("label", {}, box, group)
}))
$("event-pool").addEventListener("change", () => drawEvents(true))
$("event-text").addEventListener("input", () => drawEvents(true))

const drawEventPools = () => {
  const select = $("event-pool")
  const key = state.order.map((id) => id + state.pools.get(id)?.picture.name).join()
  if (select.dataset.key === key) return
  select.dataset.key = key
  const chosen = select.value
  select.replaceChildren(el("option", { value: "" }, "all pools"),
    ...state.order.filter((id) => state.pools.has(id)).map((id) => el("option", { value: id }, state.pools.get(id).picture.name)))
  select.value = state.order.includes(Number(chosen)) ? chosen : ""
}

const names = new Map()
const textOfEvent = (event) => {
  const [, pool, , tag, object, lease, text] = event
  return (names.get(pool) + " " + tag + (object > 0 ? " object " + object : "") + (lease > 0 ? " lease " + lease : "") + " " + text).toLowerCase()
}

let lastDrawn = 0
const drawEvents = (again) => {
  for (const pool of state.pools.values()) names.set(pool.id, pool.picture.name)
  const pool = Number($("event-pool").value)
  const text = $("event-text").value.trim().toLowerCase()
  const wanted = (event) =>
    groupsOn.has(groupOf.get(event[3]) ?? "Pool") && (pool === 0 || event[1] === pool) &&
    (text === "" || textOfEvent(event).includes(text))
  const body = $("event-rows")
  if (again) lastDrawn = 0
  const fresh = []
  for (const list of [state.everyday, state.notable]) {
    for (let i = list.length - 1; i >= 0 && list[i][0] > lastDrawn && list.length - i < KEPT; i--) if (wanted(list[i])) fresh.push(list[i])
  }
  fresh.sort((a, b) => b[0] - a[0])
  lastDrawn = Math.max(lastDrawn, state.everyday.at(-1)?.[0] ?? 0, state.notable.at(-1)?.[0] ?? 0)
  const rows = fresh.slice(0, SHOWN).map(eventRow)
  if (again) body.replaceChildren(...rows)
  else if (rows.length > 0) {
    const box = body.closest(".scroll")
    const before = box.scrollHeight
    body.prepend(...rows)
    while (body.children.length > SHOWN) body.lastChild.remove()
    // who has scrolled down reads
    if (box.scrollTop > 4) box.scrollTop += Math.max(0, box.scrollHeight - before)
  }
  say($("event-count"), body.children.length === SHOWN ? "the last " + SHOWN : count(body.children.length) + " shown")
}

const eventRow = ([, pool, at, tag, object, lease, text]) =>
  el("tr", { class: SEVERITY[tag] ?? false },
    el("td", { class: "at" }, clock(at)), el("td", { class: "pool-name" }, names.get(pool) ?? ""), el("td", {}, tag),
    el("td", {}, object > 0 ? String(object) : ""), el("td", {}, lease > 0 ? String(lease) : ""), el("td", { class: "text" }, text))
`
