/**
 * One sampler for all who look, and what each of them gets.
 *
 * While nobody has looked for 5 minutes there is no fiber, and no pool is listened to: it pays nothing. A client asks for its
 * next frame when it has taken the last one, and gets the newest there is; one that does not ask skips frames, and costs
 * one frame and what the server buffers.
 *
 * Invariant: `sampler` runs exactly while `records` may have any; each record has a fiber that listens.
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { type Core, forkWith } from "../core.ts"
import { events } from "../events.ts"
import { pools } from "../pools.ts"
import { type Describe, Descriptions } from "./descriptions.ts"
import { eventsKept, type Frame, type ObjectRow, poolsShown, type Trouble } from "./frame.ts"
import { type Heard, isEveryday, Record } from "./record.ts"
import { isOverdue, look, objectRow, picture, type Viewer } from "./snapshot.ts"
import { troubles, worstFirst } from "./troubles.ts"

/** At most 4 frames a second. */
const interval = 250
/** How long the history of the sparklines is kept going for one who may come back. */
const linger = 300_000
/** Events are read in bunches: to be woken for each would cost more than to read it. */
const bunch = 50

type AnyCore = Core<never, never>

export interface HubOptions {
  readonly actions: boolean
  readonly describe: Describe
  readonly describeFailure: (failure: unknown) => string
}

/** All pools at an instant: what is the same for all clients, encoded once. */
interface Sample {
  readonly at: number
  readonly records: ReadonlyArray<Record>
  readonly more: number
  readonly troubles: ReadonlyArray<Trouble>
  readonly pictures: ReadonlyMap<Record, string>
}

/** One who looks. */
export class Client {
  /** The last event, and the last second, that it has. */
  seq = 0
  second = -Infinity
  full = true
  /** Pools are sent when they look otherwise than here. */
  readonly pictures = new WeakMap<Record, string>()
  /** What else it has been told last. */
  told = ""
  resume: ((frame: string) => void) | undefined = undefined
}

export class Hub {
  private readonly options: HubOptions
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly descriptions: Descriptions
  private readonly records = new Map<AnyCore, Record>()
  private readonly listeners = new Map<AnyCore, Fiber.Fiber<unknown, unknown>>()
  private readonly ids = new WeakMap<AnyCore, number>()
  private readonly waiting = new Set<Client>()
  private sampler: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private describing: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private lastId = 0
  private lastSeq = 0
  private lookedAt = -Infinity
  private closed = false
  /** How far the wall clock is ahead of the monotonic one. */
  private sinceEpoch = 0

  constructor(options: HubOptions, clock: Clock.Clock, context: Context.Context<never>) {
    this.options = options
    this.clock = clock
    this.fork = forkWith(context)
    this.descriptions = new Descriptions(options.describe)
  }

  /** The next frame of a client, as JSON: as soon as there is one, in which something is new to it. */
  next(client: Client): Effect.Effect<string> {
    return Effect.callback((resume) => {
      this.looked()
      client.resume = (frame) => {
        this.waiting.delete(client)
        client.resume = undefined
        resume(Effect.succeed(frame))
      }
      this.waiting.add(client)
      return Effect.sync(() => {
        client.resume = undefined
        this.waiting.delete(client)
      })
    })
  }

  /** Everything, now. */
  get snapshot(): string {
    this.looked()
    return this.frame(new Client(), this.sample())!
  }

  find(id: number): AnyCore | undefined {
    for (const core of pools) if (this.ids.get(core) === id) return core
    return undefined
  }

  /** One object, with all that there is to say of it. */
  row(core: AnyCore, objectId: number): ObjectRow | undefined {
    for (const entry of core.registry.entries) {
      if (entry.id === objectId) return objectRow(entry, this.viewer(core, this.clock.currentTimeMillisUnsafe()))
    }
    return undefined
  }

  /** Nobody is served any more. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.closed = true
    this.stop()
  })

  private looked(): void {
    this.lookedAt = this.monotonic
    if (this.sampler !== undefined || this.closed) return
    this.sampler = this.fork(this.sampling)
  }

  private stop(): void {
    for (const core of [...this.listeners.keys()]) this.forget(core)
    this.records.clear()
    const { sampler } = this
    this.sampler = undefined
    sampler?.interruptUnsafe()
    this.describing?.interruptUnsafe()
  }

  private readonly sampling: Effect.Effect<void> = Effect.suspend(() => {
    this.step()
    if (this.waiting.size > 0) this.lookedAt = this.monotonic
    if (this.monotonic - this.lookedAt <= linger) return Effect.andThen(Effect.sleep(interval), this.sampling)
    this.stop()
    return Effect.void
  })

  /** What is due each time: time goes on, pools come and go, and who waits gets a frame. */
  private step(): void {
    this.attend()
    if (this.waiting.size === 0) return
    const sample = this.sample()
    for (const client of this.waiting) {
      const frame = this.frame(client, sample)
      if (frame !== undefined) client.resume?.(frame)
    }
    this.askDescriptions(sample.at)
  }

  private attend(): void {
    const now = this.clock.currentTimeMillisUnsafe()
    const ahead = Math.round(now - this.monotonic)
    // kept as it is, unless the clock was set: what has not changed is to look the same
    if (Math.abs(ahead - this.sinceEpoch) > 1000) this.sinceEpoch = ahead
    for (const core of this.records.keys()) if (!pools.has(core)) this.forget(core)
    const second = Math.floor(now / 1000)
    for (const core of pools) {
      const record = this.records.get(core)
      if (record !== undefined) record.advance(second)
      else if (this.records.size < poolsShown) this.attach(core, second)
    }
  }

  private attach(core: AnyCore, second: number): void {
    let id = this.ids.get(core)
    if (id === undefined) {
      id = ++this.lastId
      this.ids.set(core, id)
    }
    const record = new Record(core, id, second, this.options.describeFailure)
    this.records.set(core, record)
    const listening = Stream.runForEachArray(events(core), (heard) => {
      for (const event of heard) record.hear(event, ++this.lastSeq)
      return Effect.sleep(bunch)
    })
    this.listeners.set(core, this.fork(listening))
  }

  private forget(core: AnyCore): void {
    this.records.delete(core)
    this.listeners.get(core)?.interruptUnsafe()
    this.listeners.delete(core)
  }

  private viewer(core: AnyCore, now: number): Viewer {
    return {
      overdue: isOverdue(this.records.get(core)?.medianHold ?? -1, now),
      describe: (entry) => this.descriptions.of(entry, core.options.name, now)
    }
  }

  private sample(): Sample {
    this.attend()
    const at = this.clock.currentTimeMillisUnsafe()
    const records = [...this.records.values()]
    const pictures = new Map<Record, string>()
    const wrong: Array<Trouble> = []
    for (const record of records) {
      const viewer = this.viewer(record.core, at)
      const found = look(record.core, viewer.overdue)
      pictures.set(record, JSON.stringify(picture(record.core, record.id, found, viewer, this.sinceEpoch)))
      wrong.push(...troubles(record, found, at))
    }
    return { at, records, more: pools.size - records.length, troubles: worstFirst(wrong), pictures }
  }

  /** What is new to a client; nothing where nothing is. */
  private frame(client: Client, sample: Sample): string | undefined {
    const changed = sample.records.filter((record) => client.pictures.get(record) !== sample.pictures.get(record))
    const seconds = sample.records.map((record) => record.after(client.second)).filter((fresh) => fresh !== undefined)
    const events = newest(sample.records, client.seq)
    const ids = sample.records.map(({ id }) => id)
    const told = JSON.stringify([ids, sample.more, sample.troubles])
    const same = changed.length === 0 && seconds.length === 0 && events.length === 0 && told === client.told
    if (same && !client.full) return undefined
    const rest: Omit<Frame, "changed"> = {
      at: sample.at,
      full: client.full,
      actions: this.options.actions,
      pools: ids,
      more: sample.more,
      troubles: sample.troubles,
      seconds,
      events: events.map(([record, heard]) => record.row(heard))
    }
    for (const record of changed) client.pictures.set(record, sample.pictures.get(record)!)
    client.full = false
    client.told = told
    client.seq = events.at(-1)?.[1].seq ?? client.seq
    client.second = Math.max(client.second, ...seconds.map(({ borrows, from }) => from + borrows.length - 1))
    // pictures are encoded once for all clients
    return `${JSON.stringify(rest).slice(0, -1)},"changed":[${
      changed.map((record) => sample.pictures.get(record)).join(",")
    }]}`
  }

  private askDescriptions(now: number): void {
    if (!this.descriptions.wanted || (this.describing !== undefined && this.describing.pollUnsafe() === undefined)) {
      return
    }
    this.describing = this.fork(this.descriptions.run(now))
  }

  private get monotonic(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }
}

/** The events after one of them: of those of every day and of the others as many as are kept of one pool. */
const newest = (records: ReadonlyArray<Record>, seq: number): Array<[Record, Heard]> => {
  const fresh = records
    .flatMap((record) => record.eventsAfter(seq).map((heard): [Record, Heard] => [record, heard]))
    .sort(([, a], [, b]) => a.seq - b.seq)
  if (fresh.length <= eventsKept) return fresh
  const kept = new Set([
    ...fresh.filter(([, { event }]) => isEveryday(event)).slice(-eventsKept),
    ...fresh.filter(([, { event }]) => !isEveryday(event)).slice(-eventsKept)
  ])
  return fresh.filter((one) => kept.has(one))
}
