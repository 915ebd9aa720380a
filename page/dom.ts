/** What every part of the page uses. Everything that comes from a pool is set as text, never as markup. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>
type Handlers = { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void }

/** An element of the page as it is served. */
export const byId = <E extends HTMLElement = HTMLElement>(id: string): E => {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`there is no #${id}`)
  return element as E
}

/** An element with attributes and children; children are nodes or text. */
export const el = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : String(value))
  }
  element.append(...children)
  return element
}

/** Does what is to be done when something happens to an element. */
export const on = <E extends HTMLElement>(element: E, handlers: Handlers): E => {
  for (const [type, handler] of Object.entries(handlers)) element.addEventListener(type, handler as EventListener)
  return element
}

export const svg = <K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string | number>>
): SVGElementTagNameMap[K] => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  return element
}

/** Touches the page only where something is different: selections and screen readers are left alone. */
export const say = (element: Element, text: string | number): void => {
  const said = String(text)
  if (element.textContent !== said) element.textContent = said
}

export const mark = (element: Element, name: string, wanted: boolean): void => {
  if (element.classList.contains(name) !== wanted) element.classList.toggle(name, wanted)
}

/** The children of a list, as many as there are things to show, each as it is made at first. */
export const children = <E extends HTMLElement>(list: HTMLElement, wanted: number, make: () => E): ReadonlyArray<E> => {
  while (list.children.length > wanted) list.lastElementChild!.remove()
  while (list.children.length < wanted) list.append(make())
  return [...list.children] as Array<E>
}

export const still = matchMedia("(prefers-reduced-motion: reduce)")
export const dark = matchMedia("(prefers-color-scheme: dark)")

// --------------------------------------------------------------------------------------------------------------- numbers

export const span = (millis: number): string => {
  if (millis < 0) return "–"
  if (millis < 999.5) return `${Math.round(millis)} ms`
  const seconds = millis / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 119.5) return `${Math.round(seconds)} s`
  if (seconds < 7170) return `${Math.round(seconds / 60)} min`
  return seconds < 171_000 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}

export const count = (n: number): string => n.toLocaleString("en")

/** An amount of an allowance: of few the hundredths as well. */
export const amount = (n: number): string =>
  (Math.abs(n) < 10 ? Math.round(n * 100) / 100 : Math.round(n)).toLocaleString("en")

export const rate = (n: number): string => n === 0 ? "0" : n < 9.95 ? n.toFixed(1) : count(Math.round(n))

export const plural = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? "" : "s"}`

/** In the zone of the times that the server writes in its own texts. */
export const clock = (at: number): string => new Date(at).toISOString().slice(11, 23)
