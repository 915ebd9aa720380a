/** What may be changed, where the server lets it. */
export const actions = /* js */ String.raw`
const act = async (body, done) => {
  try {
    const response = await fetch(root + "/actions", {
      method: "POST",
      headers: { "content-type": "application/json", "x-inspector-token": token },
      body: JSON.stringify(body)
    })
    const answer = await response.json().catch(() => ({}))
    toast(response.ok ? done : "Refused: " + (answer.error ?? response.status))
  } catch {
    toast("The server does not answer")
  }
}

let toasting
const toast = (text) => {
  say($("toast"), text)
  clearTimeout(toasting)
  toasting = setTimeout(() => say($("toast"), ""), 5000)
}

/** Asks before something is done; answers what was filled in. */
const ask = (title, text, yes, fields, then) => {
  say($("dialog-title"), title)
  say($("dialog-text"), text)
  say($("dialog-yes"), yes)
  const inputs = fields.map(([label, value, min]) => {
    const input = el("input", { type: "number", inputmode: "numeric", min, value: value ?? "", placeholder: "none" })
    return { input, label: el("label", {}, label, input) }
  })
  $("dialog-fields").replaceChildren(...inputs.map(({ label }) => label))
  $("dialog").querySelector("form").onsubmit = (event) => {
    event.preventDefault()
    $("dialog").close()
    then(...inputs.map(({ input }) => input.value === "" ? undefined : Number(input.value)))
  }
  $("dialog").showModal()
}
$("dialog-no").addEventListener("click", () => $("dialog").close())

const button = (text, title, click, kind) => el("button", { type: "button", title, class: kind ?? false, on: { click } }, text)

const destroyButton = (pool, id) =>
  button("Destroy", "Take object " + id + " out", () =>
    ask("Destroy object " + id + "?", "It leaves " + pool.picture.name + " now, or when its borrower gives it back.", "Destroy", [],
      () => act({ _tag: "destroy", pool: pool.id, object: id }, "Object " + id + " leaves")), "danger")

const drawActions = (pool, view) => {
  const { detects, makes, name, suspended } = pool.picture
  const key = String([state.actions, detects, makes, suspended])
  if (view.actionsFor === key) return
  view.actionsFor = key
  const focused = view.actions.contains(document.activeElement) ? document.activeElement.textContent : undefined
  view.actions.replaceChildren(...(!state.actions ? [] : [
    suspended
      ? button("Resume", "Lend again", () => act({ _tag: "resume", pool: pool.id }, name + " lends again"))
      : button("Suspend", "Lend nothing for now", () =>
        ask("Suspend " + name + "?", "Nothing is lent until it is resumed: borrowers wait, and time out.", "Suspend", [],
          () => act({ _tag: "suspend", pool: pool.id }, name + " is suspended"))),
    ...(detects ? [button("Detect", "Ask the detector about every free object", () =>
      act({ _tag: "detect", pool: pool.id }, "The objects of " + name + " are being detected"))] : []),
    ...(makes ? [
      button("Rotate", "Replace every object", () =>
        ask("Rotate " + name + "?", "Every made object is replaced: idle ones now, lent ones when they come back.", "Rotate", [],
          () => act({ _tag: "rotate", pool: pool.id }, name + " is rotating"))),
      button("Resize", "Another size", () => {
        const { max, min } = state.pools.get(pool.id).picture.stats
        ask("Resize " + name, "Growing serves who waits at once; what is too many leaves when it is free.", "Resize",
          [["At least", min, 0], ["At most", max, 1]],
          (min, max) => act({ _tag: "resize", pool: pool.id, min, max }, name + " has another size"))
      })
    ] : [])
  ]))
  // the button that was pressed may have become another
  if (focused !== undefined) view.actions.firstChild?.focus()
}
`
