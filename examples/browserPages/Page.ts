/** The pooled object: a page of its own context, that is with cookies and storage of its own. */
import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { Browser, firstLine } from "./Browser.ts"

export interface Page {
  readonly read: (url: string) => Effect.Effect<Article, PageFailed>
  /** Forgets whatever sites have left behind, and leaves the site. */
  readonly clean: Effect.Effect<void, PageFailed>
  /** Fails unless the page answers, and is empty. */
  readonly check: Effect.Effect<void, PageFailed>
}

interface Article {
  readonly heading: string
  readonly greeting: string
  readonly screenshot: Uint8Array
}

export class PageFailed extends Schema.TaggedError<PageFailed>()("PageFailed", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const attempt = <A>(evaluate: () => Promise<A>) =>
  Effect.tryPromise({ try: evaluate, catch: (error) => new PageFailed({ reason: firstLine(error) }) })

/** Opens a page; it is closed when the scope closes, even if its script never ends. */
export const open: Effect.Effect<Page, PageFailed, Browser | Scope.Scope> = Effect.gen(function*() {
  const browser = yield* Browser
  const context = yield* Effect.acquireRelease(
    attempt(() => browser.newContext({ viewport: { width: 400, height: 300 } })),
    (context) => Effect.promise(() => context.close())
  )
  // The pool says how long anything may take.
  context.setDefaultTimeout(0)
  const page = yield* attempt(() => context.newPage())

  return {
    read: (url) =>
      attempt(async () => {
        await page.goto(url)
        const heading = await page.innerText("h1")
        const greeting = await page.innerText("p")
        return { heading, greeting, screenshot: await page.screenshot() }
      }),
    clean: attempt(async () => {
      await page.goto("about:blank")
      await context.setStorageState({ cookies: [], origins: [] })
    }),
    check: Effect.flatMap(
      attempt(() => page.evaluate<string>("document.URL")),
      (url) => url === "about:blank" ? Effect.void : Effect.fail(new PageFailed({ reason: `still at ${url}` }))
    )
  }
})
