/**
 * How do I read many pages with one headless browser, when some of them crash, and some never come to an end?
 *
 * A pool of three pages of a real Chromium, each with cookies and storage of its own, and cleaned after each use. A page
 * that has crashed is found when it comes back, one that hangs loses its lease; either is closed, and another one does the
 * rest. Without a Chromium, or one that starts, it says so and ends.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { PoolService } from "../src/index.ts"
import { Browser } from "./browserPages/Browser.ts"
import { open, type Page, type PageFailed } from "./browserPages/Page.ts"
import { site } from "./browserPages/site.ts"

class Pages extends PoolService<Pages, Page, { error: PageFailed }>()("browserPages/Pages") {}

const PagesLayer = Pages.layer({
  acquire: open,
  size: { min: 3, max: 3 },
  leaseTimeout: "4 seconds",
  // To a script that never ends nothing can be said: neither `onRelease` nor the detector would get an answer.
  onLeaseExpired: "destroy",
  // Whether that has worked, and whether the page is still there, the detector finds out, which is asked next.
  onRelease: ({ object }) => Effect.ignore(object.clean),
  detectStatus: ({ object }) =>
    object.check.pipe(
      Effect.as("Available" as const),
      Effect.timeout("2 seconds"),
      Effect.orElseSucceed(() => "Invalid" as const)
    ),
  detection: { onRelease: true }
})

const read = (url: string) => Pages.with(({ object }) => object.read(url))

const articles = Array.from({ length: 16 }, (_, index) => `/articles/${index + 1}`)

/** What was read, and what went wrong. */
const readAll = (origin: string) =>
  Effect.partition(
    ["chrome://crash", "/loop", ...articles],
    (path) =>
      read(path.startsWith("/") ? origin + path : path).pipe(
        Effect.mapError(({ _tag, message }) => `${path}: ${_tag}, ${message}`)
      ),
    { concurrency: 6 }
  )

const program = Effect.gen(function*() {
  yield* Console.log(`Chromium ${(yield* Browser).version()}`)

  const [found, failures] = yield* HttpServer.addressFormattedWith(readAll)
  for (const failure of failures) yield* Console.log(failure)
  const size = found.reduce((sum, { screenshot }) => sum + screenshot.length, 0)
  yield* Console.log(
    `${found.length} articles read, "${found[0]?.heading}" to "${found.at(-1)?.heading}", ` +
      `with ${Math.round(size / 1024)} kB of screenshots`
  )
  const strangers = found.filter(({ greeting }) => greeting === "Welcome!")
  yield* Console.log(`${strangers.length} times the site took the reader for a stranger`)

  yield* Pages.ready
  const { available, totals } = yield* Pages.stats
  yield* Console.log(`${available} pages at rest, ${totals.made} opened since the beginning`)
})

program.pipe(
  Effect.provide(Layer.provideMerge(PagesLayer, Layer.merge(Browser.layer, site))),
  Effect.catchTag("NoBrowser", ({ message }) => Console.log(`skipped, ${message}`)),
  NodeRuntime.runMain
)
