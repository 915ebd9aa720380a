/** The page, all in one: it loads nothing. */
import { body, head } from "./page/markup.ts"
import { actions } from "./page/script.actions.ts"
import { base } from "./page/script.base.ts"
import { cells } from "./page/script.cells.ts"
import { charts } from "./page/script.charts.ts"
import { events } from "./page/script.events.ts"
import { main } from "./page/script.main.ts"
import { pool } from "./page/script.pool.ts"
import { style } from "./page/style.ts"

const script = `"use strict";{${[base, cells, charts, actions, pool, events, main].join("")}}`

export interface PageOptions {
  /** What is allowed to run: this script, and this style. */
  readonly nonce: string
  /** Absent where nothing may be changed. Both are UUIDs: there is nothing to escape. */
  readonly token: string | undefined
}

export const page = ({ nonce, token }: PageOptions): string =>
  `<!doctype html>
<html lang="en"><head>${head}${token === undefined ? "" : `<meta name="inspector-token" content="${token}">`}
<style nonce="${nonce}">${style}</style></head>
<body>${body}
<script nonce="${nonce}">${script}</script></body></html>
`
