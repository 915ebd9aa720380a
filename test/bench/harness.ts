/**
 * Measuring contenders side by side: in one process, in rounds that take turns, so that whatever slows the machine down
 * slows all of them down; what counts is the ratio of two contenders within a round.
 *
 * Only minor garbage collections between samples: a full one makes V8 drop code that holds weak references, and with it
 * effect's run loop.
 */

export interface Contender {
  readonly name: string
  /** `"base"`: what ratios are taken to. `"floor"`: what it would cost without a pool. `"ours"`: what has a target. */
  readonly role: "base" | "floor" | "peer" | "ours"
  /** Repeats the operation, and gives the nanoseconds that all of it took. */
  readonly run: (times: number) => Promise<number>
  readonly close?: () => Promise<void>
}

export interface Row {
  readonly name: string
  readonly role: Contender["role"]
  /** Nanoseconds for an operation: the median, and the quartiles. */
  readonly ns: number
  readonly quartiles: readonly [number, number]
  /** How many times faster than the base it is: the median over the rounds. */
  readonly ratio: number | undefined
  /** How many times the floor it costs. */
  readonly overFloor: number | undefined
}

export interface Plan {
  readonly rounds: number
  /** Nanoseconds that a sample takes at the least. */
  readonly sample: number
  /** How often the operation is repeated in a sample; by default, until it takes `sample`. */
  readonly times?: number
}

const now = (): number => Number(process.hrtime.bigint())

/** Nanoseconds that a promise takes. */
export const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = now()
  await run()
  return now() - start
}

const collect = (): void => {
  const { gc } = globalThis as { readonly gc?: (options: { readonly type: "minor" }) => void }
  gc?.({ type: "minor" })
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  return sorted[low]! + (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!) * (at - low)
}

const median = (values: ReadonlyArray<number>): number => quantile(values.toSorted((a, b) => a - b), 0.5)

/** Warms a contender up, and finds how often it has to repeat its operation for a sample that is long enough. */
const calibrate = async (contender: Contender, plan: Plan): Promise<number> => {
  if (plan.times !== undefined) {
    await contender.run(plan.times)
    return plan.times
  }
  let times = 1
  let took = 0
  for (let warm = 0; warm < 8 * plan.sample; warm += took) {
    took = await contender.run(times)
    if (took < plan.sample) times = Math.ceil(times * Math.min(10, 1.2 * plan.sample / Math.max(took, 1)))
  }
  return times
}

/** Measures all of them, in an order that changes from round to round. */
export const compare = async (contenders: ReadonlyArray<Contender>, plan: Plan): Promise<ReadonlyArray<Row>> => {
  const times = new Map<Contender, number>()
  for (const contender of contenders) times.set(contender, await calibrate(contender, plan))
  const samples = new Map(contenders.map((contender): [Contender, Array<number>] => [contender, []]))
  for (let round = 0; round < plan.rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      // rotated, and turned round every other time: each has each of the others before it
      const at = (i + round) % contenders.length
      const contender = contenders[round % 2 === 0 ? at : contenders.length - 1 - at]!
      collect()
      samples.get(contender)!.push(await contender.run(times.get(contender)!) / times.get(contender)!)
    }
  }
  for (const contender of contenders) await contender.close?.()

  const of = (role: Contender["role"]) => samples.get(contenders.find((each) => each.role === role)!)
  const ratios = (a: ReadonlyArray<number> | undefined, b: ReadonlyArray<number> | undefined) =>
    a === undefined || b === undefined ? undefined : median(a.map((value, round) => value / b[round]!))
  return contenders.map(({ name, role }, i) => {
    const mine = samples.get(contenders[i]!)!
    const sorted = mine.toSorted((a, b) => a - b)
    return {
      name,
      role,
      ns: quantile(sorted, 0.5),
      quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
      ratio: ratios(of("base"), mine),
      overFloor: ratios(mine, of("floor"))
    }
  })
}
