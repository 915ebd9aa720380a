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
  /**
   * Repeats the operation, and gives the nanoseconds that all of it took. It may set things up, check them and clear them
   * away outside of what it measures; and it may measure something else than time.
   */
  readonly run: (times: number) => Promise<number>
  readonly close?: () => Promise<void>
}

export interface Row {
  readonly name: string
  readonly role: Contender["role"]
  /** For one operation: the median, and the quartiles. */
  readonly value: number
  readonly quartiles: readonly [number, number]
  /** How many times less than the base it takes: the median over the rounds. */
  readonly ratio: number | undefined
  /** How many times the floor it costs. */
  readonly overFloor: number | undefined
  /** It was cut off: the value is less than what it would have been. */
  readonly cutOff?: boolean
  /** Further columns, by their headings. */
  readonly more?: Readonly<Record<string, string>>
}

export interface Plan {
  readonly rounds: number
  /** Nanoseconds that a sample takes at the least. */
  readonly sample: number
  /** How often the operation is repeated in a sample; by default, until it takes `sample`. */
  readonly times?: number
  /** With `times`: how often it is repeated in each sample that is thrown away before. By default as often, once. */
  readonly warmUp?: ReadonlyArray<number>
}

export const now = (): number => Number(process.hrtime.bigint())

/** Nanoseconds that a promise takes. */
export const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = now()
  await run()
  return now() - start
}

/** A turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A collection of the young generation: what a set-up has left behind is not collected within what is measured. */
export const collect = (): void => {
  const { gc } = globalThis as { readonly gc?: (options: { readonly type: "minor" }) => void }
  gc?.({ type: "minor" })
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  return sorted[low]! + (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!) * (at - low)
}

export const median = (values: ReadonlyArray<number>): number => quantile(values.toSorted((a, b) => a - b), 0.5)

/** Warms a contender up, and finds how often it has to repeat its operation for a sample that is long enough. */
const calibrate = async (contender: Contender, plan: Plan): Promise<number> => {
  if (plan.times !== undefined) {
    for (const times of plan.warmUp ?? [plan.times]) await contender.run(times)
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
      // nor does one pay for what V8 has put off to the next turn: some contenders never let the event loop turn
      await turn()
      samples.get(contender)!.push(await contender.run(times.get(contender)!) / times.get(contender)!)
    }
  }
  for (const contender of contenders) await contender.close?.()
  return summarize(contenders.map(({ name, role }, i) => ({ name, role, samples: samples.get(contenders[i]!)! })))
}

/** What was measured of one contender, round by round. */
export interface Measured extends Pick<Contender, "name" | "role"> {
  readonly samples: ReadonlyArray<number>
}

export const summarize = (all: ReadonlyArray<Measured>): ReadonlyArray<Row> => {
  const of = (role: Contender["role"]) => all.find((each) => each.role === role)?.samples
  const ratios = (a: ReadonlyArray<number> | undefined, b: ReadonlyArray<number> | undefined) =>
    a === undefined || b === undefined ? undefined : median(a.map((value, round) => value / b[round]!))
  return all.map(({ name, role, samples }) => {
    const sorted = samples.toSorted((a, b) => a - b)
    return {
      name,
      role,
      value: quantile(sorted, 0.5),
      quartiles: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
      ratio: ratios(of("base"), samples),
      overFloor: ratios(samples, of("floor"))
    }
  })
}

/** In another unit, or for one of many. */
export const per = (divisor: number, rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.map((row) => ({
    ...row,
    value: row.value / divisor,
    quartiles: [row.quartiles[0] / divisor, row.quartiles[1] / divisor]
  }))
