/**
 * Takes the pictures of the documents from the example, that has to run already, in some minutes:
 *
 *   npm run example:inspector
 *   node examples/inspector/screenshots.ts http://127.0.0.1:3000/pools
 */
import { Effect } from "effect"
import { Browser } from "../browserPages/Browser.ts"

const [, , url = "http://127.0.0.1:3000/pools"] = process.argv

/** What the charts show begins with the first look. */
const history = Effect.andThen(Effect.promise(() => fetch(`${url}/snapshot`)), Effect.sleep("4 minutes"))

/** While the host of the renderers is away. */
const picture = (colorScheme: "light" | "dark") =>
  Effect.gen(function*() {
    const browser = yield* Browser
    yield* Effect.promise(async () => {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 1180 } })
      await page.goto(url)
      await page.waitForSelector("#troubles :text('times in a row')", { timeout: 120_000 })
      // a key, with what is left of its allowances
      await page.locator(".pool canvas").nth(1).hover({ position: { x: 116, y: 20 } })
      await page.waitForTimeout(1500)
      await page.screenshot({ path: `docs/inspector-${colorScheme}.png` })
      await page.close()
    })
  })

await Effect.runPromise(
  Effect.andThen(history, Effect.forEach(["light", "dark"] as const, picture, { discard: true })).pipe(
    Effect.provide(Browser.layer)
  )
)
