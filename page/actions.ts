/** What may be changed, where the server lets it. */
import type { Action } from "../src/internal/inspection/actions.ts"
import { byId, el, on, say } from "./dom.ts"
import { type Pool, state } from "./state.ts"

export const root = location.pathname.replace(/\/+$/, "")
export const token = document.querySelector<HTMLMetaElement>("meta[name=inspector-token]")?.content

const act = async (action: Action, done: string): Promise<void> => {
  try {
    const response = await fetch(`${root}/actions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-inspector-token": token ?? "" },
      body: JSON.stringify(action)
    })
    const { error = response.status } = await response.json().catch(() => ({})) as { readonly error?: string }
    toast(response.ok ? done : `Refused: ${error}`)
  } catch {
    toast("The server does not answer")
  }
}

let toasting: ReturnType<typeof setTimeout> | undefined
const toast = (text: string): void => {
  say(byId("toast"), text)
  clearTimeout(toasting)
  toasting = setTimeout(() => say(byId("toast"), ""), 5000)
}

interface Field {
  readonly label: string
  readonly value: number | undefined
  readonly min: number
}

/** A question, and what follows where the answer is yes. */
interface Question {
  readonly title: string
  readonly text: string
  readonly yes: string
  readonly fields?: ReadonlyArray<Field>
}

const dialog = byId<HTMLDialogElement>("dialog")

/** Asks before something is done; answers what was filled in. */
const ask = (
  { fields = [], text, title, yes }: Question,
  then: (...values: Array<number | undefined>) => void
): void => {
  say(byId("dialog-title"), title)
  say(byId("dialog-text"), text)
  say(byId("dialog-yes"), yes)
  const inputs = fields.map(({ label, min, value = "" }) => {
    const input = el("input", { type: "number", inputmode: "numeric", min, value, placeholder: "none" })
    return { input, label: el("label", {}, label, input) }
  })
  byId("dialog-fields").replaceChildren(...inputs.map(({ label }) => label))
  dialog.querySelector("form")!.onsubmit = (event) => {
    event.preventDefault()
    dialog.close()
    then(...inputs.map(({ input }) => input.value === "" ? undefined : Number(input.value)))
  }
  dialog.showModal()
}
on(byId("dialog-no"), { click: () => dialog.close() })

const button = (text: string, title: string, click: () => void, kind?: "danger"): HTMLButtonElement =>
  on(el("button", { type: "button", title, class: kind }, text), { click })

export const destroyButton = (pool: Pool, object: number): HTMLButtonElement =>
  button("Destroy", `Take object ${object} out`, () =>
    ask(
      {
        title: `Destroy object ${object}?`,
        text: `It leaves ${pool.picture.name} now, or when its borrower gives it back.`,
        yes: "Destroy"
      },
      () => void act({ _tag: "destroy", pool: pool.id, object }, `Object ${object} leaves`)
    ), "danger")

const suspendButton = ({ id, picture: { name, suspended } }: Pool): HTMLButtonElement =>
  suspended
    ? button("Resume", "Lend again", () => void act({ _tag: "resume", pool: id }, `${name} lends again`))
    : button("Suspend", "Lend nothing for now", () =>
      ask(
        {
          title: `Suspend ${name}?`,
          text: "Nothing is lent until it is resumed: borrowers wait, and time out.",
          yes: "Suspend"
        },
        () => void act({ _tag: "suspend", pool: id }, `${name} is suspended`)
      ))

const detectButton = ({ id, picture: { name } }: Pool): HTMLButtonElement =>
  button(
    "Detect",
    "Ask the detector about every free object",
    () => void act({ _tag: "detect", pool: id }, `The objects of ${name} are being detected`)
  )

const rotateButton = ({ id, picture: { name } }: Pool): HTMLButtonElement =>
  button("Rotate", "Replace every object", () =>
    ask(
      {
        title: `Rotate ${name}?`,
        text: "Every made object is replaced: idle ones now, lent ones when they come back.",
        yes: "Rotate"
      },
      () => void act({ _tag: "rotate", pool: id }, `${name} is rotating`)
    ))

const resizeButton = (pool: Pool): HTMLButtonElement =>
  button("Resize", "Another size", () => {
    const { keys, name, stats } = pool.picture
    ask(
      {
        title: `Resize ${name}`,
        text: "Growing serves who waits at once; what is too many leaves when it is free.",
        yes: "Resize",
        fields: [
          // of many keys a minimum is one of each
          ...(keys === undefined ? [{ label: "At least", value: stats.min, min: 0 }] : []),
          { label: "At most", value: stats.max, min: 1 }
        ]
      },
      (...values) => {
        const [max, min] = values.reverse()
        const size = { ...min !== undefined && { min }, ...max !== undefined && { max } }
        void act({ _tag: "resize", pool: pool.id, ...size }, `${name} has another size`)
      }
    )
  })

/** The buttons of a pool, and for what they were made. */
export interface Buttons {
  readonly actions: HTMLElement
  actionsFor: string
}

export const drawActions = (pool: Pool, view: Buttons): void => {
  const { detects, makes, suspended } = pool.picture
  const key = [state.actions, detects, makes, suspended].join()
  if (view.actionsFor === key) return
  view.actionsFor = key
  const focused = view.actions.contains(document.activeElement)
  view.actions.replaceChildren(
    ...(state.actions
      ? [
        suspendButton(pool),
        ...(detects ? [detectButton(pool)] : []),
        ...(makes ? [rotateButton(pool), resizeButton(pool)] : [])
      ]
      : [])
  )
  // the button that was pressed may have become another
  if (focused) view.actions.querySelector("button")?.focus()
}
