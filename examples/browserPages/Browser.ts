/** One headless Chromium, as a service: whichever is found first, the one of `CHROMIUM`, Debian's, or that of a package. */
import packaged from "@sparticuz/chromium"
import { Context, Effect, Layer, Schema } from "effect"
import { existsSync } from "node:fs"
import * as playwright from "playwright-core"

/** There is none here, or none that starts. */
export class NoBrowser extends Schema.TaggedError<NoBrowser>()("NoBrowser", { reason: Schema.String }) {
  override get message(): string {
    return `no Chromium: ${this.reason}`
  }
}

const attempt = <A>(evaluate: () => Promise<A>) =>
  Effect.tryPromise({ try: evaluate, catch: (error) => new NoBrowser({ reason: firstLine(error) }) })

/** Playwright adds its call log to its messages. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? ""

const find: Effect.Effect<string, NoBrowser> = Effect.suspend(() => {
  const { CHROMIUM } = process.env
  if (CHROMIUM !== undefined) return Effect.succeed(CHROMIUM)
  if (existsSync("/usr/bin/chromium")) return Effect.succeed("/usr/bin/chromium")
  if (process.platform === "linux" && process.arch === "x64") return attempt(() => packaged.executablePath())
  return Effect.fail(new NoBrowser({ reason: "set CHROMIUM to the path of one" }))
})

// A signal ends the program, which closes the browser: Playwright need not listen to signals itself.
const signals = { handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false }

// Without the package's own flags, which have all pages in one process: the first that crashed would take all with it.
const launch = Effect.flatMap(
  find,
  (executablePath) => attempt(() => playwright.chromium.launch({ executablePath, ...signals }))
)

export class Browser extends Context.Service<Browser, playwright.Browser>()("browserPages/Browser") {
  static readonly layer: Layer.Layer<Browser, NoBrowser> = Layer.effect(
    Browser,
    Effect.acquireRelease(launch, (browser) => Effect.promise(() => browser.close()))
  )
}
