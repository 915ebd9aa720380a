/** What a load has taken, as a table. */
import { table } from "../llmGateway/table.ts"
import type { Answered, Tally } from "./load.ts"

/** So many tenants, those that are asked for most often, are hot. */
const hot = 10

const groups: ReadonlyArray<readonly [name: string, is: (answered: Answered) => boolean]> = [
  ["all tenants", () => true],
  ["hot tenants", ({ tenant }) => tenant <= hot],
  ["others", ({ tenant }) => tenant > hot]
]

/** What so large a share of them has not taken longer than. */
const percentile = (answers: ReadonlyArray<Answered>, share: number): number =>
  answers.map(({ millis }) => millis).toSorted((one, other) => one - other)[Math.ceil(share * answers.length) - 1] ??
    NaN

const shown = (millis: number) => Number.isNaN(millis) ? "–" : `${millis.toFixed(0)} ms`

const cells = (answers: ReadonlyArray<Answered>) => [
  String(answers.length),
  shown(percentile(answers, 0.5)),
  shown(percentile(answers, 0.99))
]

/** What people wait for, what exporters do, by group of tenants; and the two figures that say what the classes are for. */
export const report = (plain: Tally, classes: Tally): string => {
  const rows = (["pages", "archives"] as const).flatMap((what) =>
    groups.map(([name, is]) => [
      `${what}, ${name}`,
      ...cells(plain[what].filter(is)),
      ...cells(classes[what].filter(is))
    ])
  )
  const [before, after] = [plain, classes].map(({ pages }) => percentile(pages, 0.99))
  return [
    table([["", "without classes", "p50", "p99", "with classes", "p50", "p99"], ...rows]),
    "",
    `Pages, all but one of a hundred: within ${shown(before!)} without classes, ${shown(after!)} with them`,
    `Archives: ${plain.pieces} pieces without classes, ${classes.pieces} with them`
  ].join("\n")
}
