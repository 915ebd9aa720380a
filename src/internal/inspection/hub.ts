/**
 * One sampler for all who look, and what each of them gets.
 *
 * While nobody has looked for 5 minutes there is no fiber, and no pool is listened to: it pays nothing. A client asks for its
 * next frame when it has taken the last one, and gets the newest there is; one that does not ask skips frames, and costs
 * one frame and what the server buffers. Those who have had the same get the same: a frame is made once for all of them.
 *
 * No pool is held: one that is dropped without being closed goes, whoever looks. What is known of it goes with it.
 *
 * Invariant: `sampler` runs exactly while `attended` may have any; each of its records has a fiber that listens.
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { PoolEvent } from "../../PoolEvent.ts"
import { type Core, forkWith } from "../state/core.ts"
import { pools } from "../state/pools.ts"
import { entriesOf } from "../state/whole.ts"
import { listen, type Listener, unlisten } from "../watching/events.ts"
import { type Describe, Descriptions } from "./descriptions.ts"
import { eventsKept, type Frame, type ObjectRow, poolsShown, type Trouble } from "./frame.ts"
import { type Heard, isEveryday, Record } from "./record.ts"
import { isOverdue, look, picture, type Room, roomOf, rowOf, type Viewer } from "./snapshot.ts"
import { troubles, unreadable, worstFirst } from "./troubles.ts"
import { nameOfFailure, nameOfPool, namingKeys } from "./words.ts"

/** At most 4 frames a second, and as many looks at the pools. */
const interval = 250
/** How long the history of the sparklines is kept going for one who may come back. */
const linger = 300_000
/** Events are read in bunches: to be woken for each would cost more than to read it. */
const bunch = 50

type AnyCore = Core<never, never>

/** What is known of a pool since somebody looks, and who listens to it: none to one that has just closed. */
interface Attended {
  readonly record: Record
  readonly listener: Listener | undefined
}

export interface HubOptions {
  readonly actions: boolean
  readonly describe: Describe
  readonly describeFailure: (failure: unknown) => string
  readonly describeKey: (key: unknown, pool: string) => string | undefined
}

/** What somebody has been told, and how far that goes. */
export interface Told {
  /** A `Frame`, as JSON. */
  readonly text: string
  readonly seq: number
  readonly second: number
}

/** All pools at an instant: what is the same for all clients, encoded once. */
interface Sample {
  readonly at: number
  /** Monotonic. */
  readonly taken: number
  /** Of those that could be looked at. */
  readonly records: ReadonlyArray<Record>
  readonly of: WeakSet<AnyCore>
  readonly pools: number
  readonly more: number
  readonly troubles: ReadonlyArray<Trouble>
  readonly pictures: ReadonlyMap<Record, string>
  /** What there is beside pictures, seconds and events. */
  readonly rest: string
  /** The last event, and the last second, that there were. */
  readonly seq: number
  readonly second: number
  /** Where clients begin who know nothing. */
  whole: Told | undefined
}

/** One who looks. */
export class Client {
  /** The last event, and the last second, that it has. */
  readonly seq: number
  readonly second: number
  /** It goes on where it was, but for the pictures. */
  readonly resumed: boolean
  /** What the pools were like when it was told last. */
  known: Sample | undefined = undefined
  resume: ((told: Option.Option<Told>) => void) | undefined = undefined

  /** Asked before each frame: whether the client gets no more of them, since its server closes. */
  readonly isOver: () => boolean

  constructor(isOver: () => boolean, from?: { readonly seq: number; readonly second: number }) {
    this.isOver = isOver
    this.resumed = from !== undefined
    this.seq = from?.seq ?? 0
    this.second = from?.second ?? -Infinity
  }
}

export class Hub {
  private readonly options: HubOptions
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly descriptions: Descriptions
  private readonly nameKey: (key: unknown, pool: string) => string | undefined
  private attended = new WeakMap<AnyCore, Attended>()
  private readonly ids = new WeakMap<AnyCore, number>()
  private readonly waiting = new Set<Client>()
  private sampler: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private describing: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private latest: Sample | undefined = undefined
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
    this.nameKey = namingKeys(options.describeKey)
    this.descriptions = new Descriptions(options.describe, context)
  }

  /** The next frame of a client: as soon as there is one, in which something is new to it. None when it is not served any more. */
  next(client: Client): Effect.Effect<Option.Option<Told>> {
    return Effect.callback((resume) => {
      if (this.closed) return resume(Effect.succeedNone)
      this.looked()
      client.resume = (told) => {
        this.waiting.delete(client)
        client.resume = undefined
        resume(Effect.succeed(told))
      }
      this.waiting.add(client)
      return Effect.sync(() => {
        client.resume = undefined
        this.waiting.delete(client)
      })
    })
  }

  /** Everything, as of now or of a moment ago. */
  get whole(): Told {
    this.looked()
    return this.toWhole(this.sample())
  }

  find(id: number): AnyCore | undefined {
    for (const core of pools) if (this.ids.get(core) === id) return core
    return undefined
  }

  /** One object, with all that there is to say of it. */
  row(core: AnyCore, objectId: number): ObjectRow | undefined {
    for (const entry of entriesOf(core)) {
      if (entry.id === objectId) return rowOf(entry, this.viewer(core, this.clock.currentTimeMillisUnsafe()))
    }
    return undefined
  }

  /** Nobody is served any more. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.closed = true
    this.stop()
    for (const client of this.waiting) client.resume?.(Option.none())
  })

  private looked(): void {
    this.lookedAt = this.monotonic
    if (this.sampler !== undefined || this.closed) return
    this.sampler = this.fork(this.sampling)
  }

  private stop(): void {
    for (const core of pools) {
      const listener = this.attended.get(core)?.listener
      if (listener !== undefined) unlisten(core, listener)
    }
    this.attended = new WeakMap()
    this.descriptions.forget()
    this.latest = undefined
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
    for (const client of this.waiting) if (client.isOver()) client.resume?.(Option.none())
    if (this.waiting.size === 0) return
    const sample = this.sample()
    const told = new Map<Sample | string, Told | undefined>()
    for (const client of this.waiting) {
      const { known, resumed, second, seq } = client
      const from = known ?? (resumed ? `${seq} ${second}` : "")
      if (!told.has(from)) told.set(from, from === "" ? this.toWhole(sample) : this.tell(client, sample))
      const next = told.get(from)
      client.known = sample
      if (next !== undefined) client.resume?.(Option.some(next))
    }
  }

  /** What there is to look at; what cannot be attended to has a failure in place of a record. */
  private attend(): ReadonlyMap<AnyCore, Record | string> {
    const now = this.clock.currentTimeMillisUnsafe()
    const ahead = Math.round(now - this.monotonic)
    // kept as it is, unless the clock was set: what has not changed is to look the same
    if (Math.abs(ahead - this.sinceEpoch) > 1000) this.sinceEpoch = ahead
    const second = Math.floor(now / 1000)
    const all = new Map<AnyCore, Record | string>()
    for (const core of pools) {
      if (all.size === poolsShown) break
      attempt(
        () => {
          const { record } = this.attended.get(core) ?? this.attach(core, second)
          all.set(core, record)
          record.advance(core, second)
        },
        (failure) => all.set(core, nameOfFailure(failure))
      )
    }
    return all
  }

  private attach(core: AnyCore, second: number): Attended {
    const name = nameOfPool(core)
    const nameKey = (key: unknown) => this.nameKey(key, name)
    const record = new Record(core, this.idOf(core), second, this.options.describeFailure, nameKey)
    const listener = listen(core, false)
    const attended = { record, listener }
    this.attended.set(core, attended)
    if (listener !== undefined) this.fork(this.hearing(new WeakRef(listener), record))
    return attended
  }

  /** While it waits for an event, only the pool holds this; between two bunches, this does not hold the pool. */
  private hearing(listener: WeakRef<Listener>, record: Record): Effect.Effect<void> {
    const next: Effect.Effect<void> = Effect.suspend(() => {
      const pull = listener.deref()?.pull
      return pull === undefined
        ? Effect.void
        : Effect.matchEffect(pull, { onFailure: () => Effect.void, onSuccess: heard })
    })
    const heard = (events: ReadonlyArray<PoolEvent>): Effect.Effect<void> => {
      this.hear(events.map((event) => [record, event]))
      return Effect.andThen(Effect.sleep(bunch), next)
    }
    return next
  }

  /**
   * All that is to be heard, of whichever pool, in the order in which it has happened: what is heard later than this has
   * happened later.
   */
  private hear(all: Array<readonly [Record, PoolEvent]> = []): void {
    for (const core of pools) {
      const { listener, record } = this.attended.get(core) ?? {}
      if (record !== undefined) { for (const event of listener?.takeUnsafe() ?? []) all.push([record, event]) }
    }
    all.sort(([, a], [, b]) => a.at.epochMilliseconds - b.at.epochMilliseconds)
    for (const [record, event] of all) attempt(() => record.hear(event, ++this.lastSeq))
  }

  private idOf(core: AnyCore): number {
    const known = this.ids.get(core)
    if (known !== undefined) return known
    this.ids.set(core, ++this.lastId)
    return this.lastId
  }

  private viewer(core: AnyCore, now: number): Viewer {
    const name = nameOfPool(core)
    return {
      sinceEpoch: this.sinceEpoch,
      overdue: isOverdue(this.attended.get(core)?.record.medianHold ?? -1, now),
      describeKey: (key, number) => this.nameKey(key, name) ?? `key ${number}`,
      describe: (entry) => {
        const said = this.descriptions.of(entry, name, now)
        const key = core.many === undefined ? undefined : this.nameKey((entry.pooled as { key?: unknown }).key, name)
        return key === undefined ? said : said === "" ? key : `${key}: ${said}`
      }
    }
  }

  /** As the pools are now; or as they were a moment ago, if they are the same pools: to look at all of them takes a while. */
  private sample(): Sample {
    const all = this.attend()
    const { latest } = this
    const taken = this.monotonic
    if (latest !== undefined && taken - latest.taken < interval && isOf(latest, all)) return latest
    this.hear()
    const at = this.clock.currentTimeMillisUnsafe()
    const room = roomOf(all.size)
    const pictures = new Map<Record, string>()
    const wrong: Array<Trouble> = []
    for (const [core, record] of all) {
      attempt(
        () => {
          if (typeof record === "string") return wrong.push(unreadable(core, this.idOf(core), record))
          const seen = this.look(core, record, at, room)
          pictures.set(record, seen.picture)
          return wrong.push(...seen.troubles)
        },
        (failure) => wrong.push(unreadable(core, this.idOf(core), nameOfFailure(failure)))
      )
    }
    const records = [...pictures.keys()]
    const more = pools.size - all.size
    const worst = worstFirst(wrong)
    this.latest = {
      at,
      taken,
      records,
      of: new WeakSet(all.keys()),
      pools: all.size,
      more,
      troubles: worst,
      pictures,
      rest: JSON.stringify([records.map(({ id }) => id), more, worst]),
      seq: this.lastSeq,
      second: records.reduce((second, { last }) => Math.max(second, last), -Infinity),
      whole: undefined
    }
    this.askDescriptions(at)
    return this.latest
  }

  private look(core: AnyCore, record: Record, at: number, room: Room) {
    const viewer = this.viewer(core, at)
    const found = look(core, viewer, room.visible)
    return {
      picture: picture(core, record.id, found, viewer, room),
      troubles: troubles(core, record, found, at, viewer)
    }
  }

  private toWhole(sample: Sample): Told {
    return sample.whole ??= this.tell(new Client(() => false), sample)!
  }

  /** What is new to a client; nothing where nothing is. */
  private tell(client: Client, sample: Sample): Told | undefined {
    const { known } = client
    const changed = sample.records.filter((record) => known?.pictures.get(record) !== sample.pictures.get(record))
    const since = known === undefined ? client.second : known.second
    const seconds = sample.records.map((record) => record.between(since, sample.second))
      .filter((fresh) => fresh !== undefined)
    const events = newest(sample.records, known?.seq ?? client.seq, sample.seq)
    const same = changed.length === 0 && seconds.length === 0 && events.length === 0 && known?.rest === sample.rest
    if (same) return undefined
    const rest: Omit<Frame, "changed"> = {
      at: sample.at,
      full: known === undefined && !client.resumed,
      actions: this.options.actions,
      pools: sample.records.map(({ id }) => id),
      more: sample.more,
      troubles: sample.troubles,
      seconds,
      events: events.map(([record, heard]) => attempt(() => record.row(heard))).filter((row) => row !== undefined)
    }
    return {
      // pictures are encoded once for all clients
      text: `${JSON.stringify(rest).slice(0, -1)},"changed":[${
        changed.map((record) => sample.pictures.get(record)).join(",")
      }]}`,
      seq: sample.seq,
      second: sample.second
    }
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

const isOf = (sample: Sample, all: ReadonlyMap<AnyCore, unknown>): boolean =>
  sample.pools === all.size && [...all.keys()].every((core) => sample.of.has(core))

/** What throws while one pool is looked at is of no harm to the others. */
const attempt = <A>(f: () => A, failed: (failure: unknown) => void = () => {}): A | undefined => {
  try {
    return f()
  } catch (failure) {
    failed(failure)
    return undefined
  }
}

/** The events after one of them: of those of every day and of the others as many as are kept of one pool. */
const newest = (records: ReadonlyArray<Record>, after: number, last: number): Array<[Record, Heard]> => {
  const fresh = records
    .flatMap((record) => record.eventsBetween(after, last).map((heard): [Record, Heard] => [record, heard]))
    .sort(([, a], [, b]) => a.seq - b.seq)
  if (fresh.length <= eventsKept) return fresh
  const kept = new Set([
    ...fresh.filter(([, { event }]) => isEveryday(event)).slice(-eventsKept),
    ...fresh.filter(([, { event }]) => !isEveryday(event)).slice(-eventsKept)
  ])
  return fresh.filter((one) => kept.has(one))
}
