/** The last events, the newest first. */
import type { EventRow } from "../src/internal/inspection/frame.ts"
import type { PoolEvent } from "../src/PoolEvent.ts"
import { byId, clock, count, el, on, say } from "./dom.ts"
import { kept, pools, state } from "./state.ts"

type Tag = PoolEvent["_tag"]

const shown = 200

const groups: Readonly<Record<string, ReadonlyArray<Tag>>> = {
  Leases: ["Borrowed", "Released", "LeaseExpired", "LeaseRevoked", "LeaseOverdue"],
  Statuses: ["StatusChanged", "Rested", "Woke"],
  Objects: ["Added", "Acquired", "AcquireFailed", "Evicted", "Destroyed", "DestroyFailed", "Left"],
  Detection: ["Detected", "DetectionFailed"],
  Waiters: ["WaiterTimedOut", "WaiterRefused"],
  Pool: ["Resized", "Suspended", "Resumed", "Rotated", "Closing", "Closed", "Missed"]
}
const severities: { readonly [T in Tag]?: "bad" | "warning" } = {
  AcquireFailed: "bad",
  DestroyFailed: "bad",
  WaiterTimedOut: "bad",
  LeaseExpired: "bad",
  LeaseRevoked: "bad",
  LeaseOverdue: "bad",
  DetectionFailed: "warning",
  WaiterRefused: "warning",
  Rested: "warning",
  Missed: "warning",
  Suspended: "warning"
}
const groupOf: ReadonlyMap<string, string> = new Map(
  Object.entries(groups).flatMap(([group, tags]) => tags.map((tag) => [tag, group]))
)
// moves of status are told twice otherwise: they come with nearly every other event
const wanted = new Set(Object.keys(groups).filter((group) => group !== "Statuses"))

byId("event-groups").append(
  ...Object.keys(groups).map((group) => {
    const box = el("input", { type: "checkbox", checked: wanted.has(group) })
    on(box, {
      change: () => {
        if (box.checked) wanted.add(group)
        else wanted.delete(group)
        drawEvents(true)
      }
    })
    return el("label", {}, box, group)
  })
)

const select = byId<HTMLSelectElement>("event-pool")
const filter = byId<HTMLInputElement>("event-text")
const body = byId("event-rows")
on(select, { change: () => drawEvents(true) })
on(filter, { input: () => drawEvents(true) })

/** The pools whose events may be chosen. */
export const drawEventPools = (): void => {
  const key = pools().map(({ id, picture }) => id + picture.name).join()
  if (select.dataset["key"] === key) return
  select.dataset["key"] = key
  const chosen = select.value
  select.replaceChildren(
    el("option", { value: "" }, "all pools"),
    ...pools().map(({ id, picture }) => el("option", { value: id }, picture.name))
  )
  select.value = state.order.includes(Number(chosen)) ? chosen : ""
}

/** Those of pools that have gone, too: their events are still shown. */
const names = new Map<number, string>()

const textOf = ([, pool, , tag, object, lease, text]: EventRow): string =>
  `${names.get(pool)} ${tag}${object > 0 ? ` object ${object}` : ""}${lease > 0 ? ` lease ${lease}` : ""} ${text}`
    .toLowerCase()

const isWanted = () => {
  const pool = Number(select.value)
  const text = filter.value.trim().toLowerCase()
  return (event: EventRow): boolean =>
    wanted.has(groupOf.get(event[3]) ?? "Pool") && (pool === 0 || event[1] === pool) &&
    (text === "" || textOf(event).includes(text))
}

let lastDrawn = 0

/** Draws what has come since; or all of it again, where something else is wanted. */
export const drawEvents = (again: boolean): void => {
  for (const { id, picture } of state.pools.values()) names.set(id, picture.name)
  if (again) lastDrawn = 0
  const fresh = [state.everyday, state.notable]
    .flatMap((events) => events.slice(-kept).filter(([seq]) => seq > lastDrawn))
    .filter(isWanted())
    .sort(([a], [b]) => b - a)
  lastDrawn = Math.max(lastDrawn, state.everyday.at(-1)?.[0] ?? 0, state.notable.at(-1)?.[0] ?? 0)
  const rows = fresh.slice(0, shown).map(eventRow)
  if (again) body.replaceChildren(...rows)
  else if (rows.length > 0) prepend(rows)
  const many = body.children.length
  say(byId("event-count"), many === shown ? `the last ${shown}` : `${count(many)} shown`)
}

const prepend = (rows: ReadonlyArray<HTMLElement>): void => {
  const box = body.closest(".scroll")!
  const before = box.scrollHeight
  body.prepend(...rows)
  while (body.children.length > shown) body.lastElementChild!.remove()
  // who has scrolled down reads
  if (box.scrollTop > 4) box.scrollTop += Math.max(0, box.scrollHeight - before)
}

const eventRow = ([, pool, at, tag, object, lease, text]: EventRow): HTMLElement =>
  el(
    "tr",
    { class: severities[tag as Tag] },
    el("td", { class: "at" }, clock(at)),
    el("td", { class: "pool-name" }, names.get(pool) ?? ""),
    el("td", {}, tag),
    el("td", {}, object > 0 ? String(object) : ""),
    el("td", {}, lease > 0 ? String(lease) : ""),
    el("td", { class: "text" }, text)
  )
