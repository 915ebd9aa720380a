/**
 * What is measured, by name.
 */
import { contended, guarded, guards, selectors, sizes, uncontended } from "./cycles.ts"
import type { Table } from "./table.ts"

const perCycle = "ns per cycle"
const crowds = [100, 1000]

export const cases: Readonly<Record<string, ReadonlyArray<Table>>> = {
  uncontended: [{
    title: "Borrow and give back, 10 objects",
    unit: perCycle,
    chart: "uncontended",
    measure: uncontended
  }],
  sizes: Object.entries(selectors).map(([name, select]) => ({
    title: `\`borrow\` with \`${name}\`, from pools of different sizes`,
    unit: perCycle,
    measure: sizes(select)
  })),
  contended: crowds.map((fibers) => ({
    title: `${fibers} fibers over 10 objects`,
    unit: perCycle,
    ...fibers === 100 ? { chart: "contended" } : {},
    measure: contended(fibers)
  })),
  guards: [1, 100].flatMap((fibers) =>
    Object.entries(guards).map(([name, guard]) => ({
      title: `${fibers === 1 ? "Borrow and give back, 10 objects" : `${fibers} fibers over 10 objects`}, with ${name}`,
      unit: perCycle,
      measure: guarded(guard, fibers)
    }))
  )
}
