/** The page of the inspector in a real browser: one, in which each test of a file has a profile of its own. */
import { afterAll } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { BrowserContextOptions, Page } from "playwright-core"
import { Browser } from "../../examples/browserPages/Browser.ts"
import type { InspectorActions, InspectorOptions } from "../../src/inspector.ts"
import { serve } from "./inspector.ts"

const scope = Scope.makeUnsafe()
let browser: Promise<Exit.Exit<Context.Context<Browser>, unknown>> | undefined
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** A page that has had its first frame, what its console says, and its server. Without a browser the test is skipped. */
export const onPage = Effect.fnUntraced(function*(
  skip: (note: string) => never,
  options: InspectorOptions & InspectorActions = {},
  settings: BrowserContextOptions = {}
) {
  const built = yield* Effect.promise(() =>
    browser ??= Effect.runPromiseExit(Scope.provide(Layer.build(Browser.layer), scope))
  )
  if (Exit.isFailure(built)) return skip(String(built.cause))
  const server = yield* serve(options)
  const page = yield* Effect.acquireRelease(
    Effect.promise(() => Context.get(built.value, Browser).newPage(settings)),
    (page) => Effect.promise(() => page.close())
  )
  const said: Array<string> = []
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`))
  page.on("pageerror", (error) => said.push(String(error)))
  yield* Effect.promise(async () => {
    await page.goto(server.url)
    await page.waitForSelector("#state[data-state=live]")
  })
  return { ...server, page, said }
})

/** What Playwright has for this evaluates a string in the page, which the page does not allow. */
export const pageUntil = (page: Page, expression: string) =>
  Effect.repeat(Effect.promise(() => page.evaluate(expression)), {
    until: (holds) => holds === true,
    schedule: Schedule.spaced(50)
  })
