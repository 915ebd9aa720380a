/** The page, all in one: it loads nothing. What it is made of is in `page/`. */
import { body, head, script, style } from "./page.generated.ts"

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
