/**
 * Records which rooms (files of `src/internal`) a trip through the pool enters: a call is added to the beginning of each
 * function, where that is transformed for the tests.
 */
import { parseSync, type Plugin } from "vite"

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value

const nameOf = (parent: Node | undefined): string => {
  const named = parent?.["id"] ?? parent?.["key"]
  return isNode(named) && typeof named["name"] === "string" ? named["name"] : ""
}

/** Steps, not questions: functions with statements. One that only says what its expression is, or makes a record, decides nothing. */
const bodies = (node: Node, parent: Node | undefined, found: Array<[body: Node, name: string]>): void => {
  const body = node["body"]
  if (
    /Function/.test(node.type) && isNode(body) && body.type === "BlockStatement" &&
    parent?.["kind"] !== "get" && parent?.["kind"] !== "constructor"
  ) {
    found.push([body, nameOf(parent)])
  }
  for (const [key, value] of Object.entries(node)) {
    if (key === "typeAnnotation" || key === "returnType") continue
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) bodies(child, node, found)
  }
}

/** The folders whose files are rooms: the others decide nothing. */
const rooms = /src\/internal\/((object|lease|waiting|making|borrow|pool)\/[\w]+)\.ts$/

export const recording: Plugin = {
  name: "rooms",
  enforce: "pre",
  transform: (code, id) => {
    const room = rooms.exec(id)?.[1]
    if (room === undefined) return undefined
    const found: Array<[Node, string]> = []
    bodies(parseSync(id, code).program as unknown as Node, undefined, found)
    let text = code
    for (const [body, name] of found.sort(([a], [b]) => b.start - a.start)) {
      text = `${text.slice(0, body.start + 1)} globalThis.__enter(${JSON.stringify(`${room}:${name}`)});${
        text.slice(body.start + 1)
      }`
    }
    return { code: text, map: null }
  }
}
