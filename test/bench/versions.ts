/**
 * What was measured, on what, and when.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { cpus } from "node:os"

/** Not every package exports its `package.json`. */
const versioned = (name: string): string => {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }
  return `${name} ${version}`
}

const machine = (): string => `${cpus().length} × ${cpus()[0]?.model.trim()}`

const today = Effect.map(DateTime.now, DateTime.formatIsoDate)

export const headline = Effect.map(today, (date) => {
  const packages = ["effect", "generic-pool", "tarn", "lightning-pool"].map(versioned)
  return [...packages, `Node ${process.version}`, machine(), date].join(", ")
})

/** For a chart. */
export const caption = Effect.map(
  today,
  (date) => [machine(), `Node ${process.version}`, versioned("effect"), date].join(", ")
)
