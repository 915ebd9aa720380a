/**
 * The objects that were added to a shared pool, as its memory has them: what the next host begins with.
 *
 * Invariants:
 * - An object is in the memory before it is in the pool; and it is no more, soon after it has left a pool that is not
 *   closing. One that was taken out by `remove` has left the memory before that answers.
 * - `stored` has the names of all entries of added objects, and the object of each that is in the pool.
 * - What changes an entry of an added object has a turn under its name: so an entry is that of the object that has joined
 *   last, whatever the store does late.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { PooledObject } from "../../PooledObject.ts"
import { DuplicateObject, PoolClosed, type PoolFull } from "../../PoolError.ts"
import type { Store } from "../object/memory.ts"
import { apart } from "./apart.ts"
import type { Definition } from "./definition.ts"
import { Entries, type Joining, type Stored, toAdd } from "./entries.ts"
import { type Memory, Superseded } from "./memory.ts"
import { type Refusal, refusal, type Target } from "./protocol.ts"
import { type Turn, Turns } from "./turns.ts"

/** How many entries are read, or written, at once. */
const atOnce = 16

/** How many objects join in one step. */
const slice = 100

/** After a store that has not answered. */
const pause = "1 second"

const isSuperseded = (error: unknown): boolean => error instanceof Superseded

const unstored = refusal("Unserved", "what is remembered cannot be written at present: nothing was added")
const unerased = refusal(
  "Unserved",
  "what is remembered cannot be written at present: the object has left, and comes back if this host dies before it can"
)
const unread = { message: "What is remembered has not been read yet" }
const late = "What is remembered was not read in time: the host goes on without what was added, until it is"

type Failed = DuplicateObject | PoolFull | PoolClosed | Refusal

/** What there was under a name before. */
interface Replaced<A> {
  readonly name: string
  readonly object: A | undefined
  readonly text: string | undefined
}

type Restore = <B, E>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E>

/** How a host runs what it does by itself. */
type Fork = <B, F>(effect: Effect.Effect<B, F>) => Fiber.Fiber<B, F>

export class Additions<A, D, E, N> {
  private readonly definition: Definition<A, D, E, N>
  private readonly memory: Memory
  private readonly entries: Entries<A, D, E, N>
  /** How long the store may take, in milliseconds. */
  private readonly timeout: number
  private readonly fork: Fork
  private pool!: ObjectPool<A, D, E>
  private isOpen = false
  private readonly opened = Deferred.makeUnsafe<void>()
  /** What was read as the memory was opened, until it is asked for. */
  private known = new Map<string, string>()
  private readonly told = Deferred.makeUnsafe<void>()
  private readonly turns = new Turns()
  private readonly stored = new Map<string, A | undefined>()
  private readonly forgetting = new Set<Fiber.Fiber<unknown, unknown>>()

  constructor(
    definition: Definition<A, D, E, N>,
    memory: Memory,
    { fork, key, timeout }: { readonly key: (object: A) => unknown; readonly timeout: number; readonly fork: Fork }
  ) {
    this.definition = definition
    this.memory = memory
    this.entries = new Entries(definition, key)
    this.timeout = timeout
    this.fork = fork
  }

  /** What the pool reads its rests and allowances from, and writes them to. A host that another has followed writes nothing. */
  get store(): Store {
    const asHost = (write: () => Effect.Effect<void, unknown>) =>
      Effect.suspend(() => this.isOpen ? write() : Effect.fail(unread)).pipe(
        Effect.catchIf(isSuperseded, () => Effect.void)
      )
    return {
      get: (name) => Effect.andThen(Deferred.await(this.opened), Effect.suspend(() => this.get(name))),
      set: (name, value) => asHost(() => this.memory.set(name, value)),
      remove: (name) => asHost(() => this.memory.remove(name)),
      left: (key) => {
        const name = this.entries.toName(key)
        if (this.stored.has(name)) this.forget(name)
      }
    }
  }

  /** Reads what there is, as soon as the store answers, and puts in what was added. */
  begin(pool: ObjectPool<A, D, E>): void {
    this.pool = pool
    let trouble: Cause.Cause<unknown> = Cause.empty
    const reading = Effect.suspend(() => Effect.timeout(apart(this.memory.open(this.entries.prefix)), this.timeout))
      .pipe(
        Effect.tapCause((cause) => Effect.sync(() => trouble = cause)),
        Effect.retry(Schedule.spaced(pause)),
        Effect.flatMap(({ known, names }) => {
          this.known = known
          for (const name of names) this.stored.set(name, undefined)
          this.isOpen = true
          Deferred.doneUnsafe(this.opened, Effect.void)
          return this.recallAll(names)
        })
      )
    const { told } = this
    const giveUp = Effect.andThen(
      Effect.sleep(this.timeout),
      Effect.suspend(() => Deferred.isDoneUnsafe(told) ? Effect.void : this.complain(late, trouble))
    )
    this.fork(Effect.andThen(giveUp, Deferred.succeed(told, undefined)))
    this.fork(
      Effect.andThen(reading, Deferred.succeed(told, undefined)).pipe(
        Effect.andThen(Effect.sleep(this.timeout)),
        // by then each object that was there has been told
        Effect.andThen(Effect.sync(() => this.known.clear()))
      )
    )
  }

  /** Ends when what was added is in the pool, or the store has had its time. */
  get recalled(): Effect.Effect<void> {
    return Deferred.await(this.told)
  }

  /** Ends when what has left the pool has left the memory, or the store has had its time. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const forgotten = Effect.forEach([...this.forgetting], (fiber) => Fiber.await(fiber), { discard: true })
      return Effect.asVoid(Effect.timeoutOption(Effect.andThen(forgotten, this.turns.ended), this.timeout))
    })
  }

  /** Puts objects in, all or none. They are in the memory before they are in the pool. */
  addAll(objects: ReadonlyArray<A>, joining: Joining<D>): Effect.Effect<ReadonlyArray<PooledObject<A, D>>, Failed> {
    const entering = Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        const entries = yield* this.entries.of(objects, joining)
        const turn = yield* Effect.mapError(
          this.turnOf(entries.map(({ name }) => name), this.timeout, restore),
          () => unstored
        )
        const replaced: Array<Replaced<A>> = []
        const storing = this.isOpen ? this.storeAll(turn, entries, replaced) : Effect.fail("unread")
        if (Exit.isFailure(yield* Effect.exit(restore(storing)))) {
          // it may still be written: nobody waits for that but the turn
          this.fork(this.restore(turn, replaced))
          return yield* Effect.fail(unstored)
        }
        for (const { name, object } of entries) this.stored.set(name, object)
        // whoever has asked may leave: what is stored is in the pool, unless that has refused it within this step
        const joined = this.fork(this.join(objects, joining))
        const exit = joined.pollUnsafe()
        if (exit !== undefined && Exit.isFailure(exit)) yield* this.restore(turn, replaced)
        else turn.end()
        return joined
      })
    )
    return Effect.flatMap(entering, (fiber) => Fiber.join(fiber))
  }

  /** Takes objects out of the pool, and out of the memory. Was there any in either? */
  remove(found: Effect.Effect<ReadonlyArray<PooledObject<A, D>>>, target: Target): Effect.Effect<boolean, Refusal> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        const meant = target._tag === "Object" ? this.definition.object.decode(target.object) : undefined
        const names = new Set(meant === undefined ? [] : [this.entries.nameOf(meant.value)])
        const gone = new Set<A>()
        let wasThere = false
        const takeOut = Effect.flatMap(found, (records) =>
          Effect.forEach(records, (record) => {
            names.add(this.entries.nameOf(record.object))
            gone.add(record.object)
            return Effect.map(this.pool.remove(record), (left) => void (wasThere ||= left))
          }, { discard: true }))
        yield* takeOut
        const had = [...names]
        const taken = yield* Effect.exit(this.turnOf(had, this.timeout, restore))
        if (Exit.isFailure(taken)) return yield* this.unerased(had)
        const turn = taken.value
        // one may have joined before the turn came
        yield* takeOut
        const known = yield* Effect.filter(had, (name) => this.hasLeft(name, gone))
        for (const name of known) this.stored.set(name, undefined)
        const exits = yield* Effect.forEach(known, (name) => Effect.exit(this.erase(turn, name)), {
          concurrency: atOnce
        })
        turn.end()
        return exits.every(Exit.isSuccess) ? known.length > 0 || wasThere : yield* this.unerased(known)
      })
    )
  }

  /** They are erased when the store can. */
  private unerased(names: ReadonlyArray<string>): Effect.Effect<never, Refusal> {
    for (const name of names) if (this.stored.has(name)) this.forget(name)
    return Effect.fail(unerased)
  }

  /** Is there an entry under a name, whose object is in the pool no more, or among those that leave? */
  private hasLeft(name: string, gone?: ReadonlySet<A>): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      if (!this.stored.has(name)) return Effect.succeed(false)
      const object = this.stored.get(name)
      if (object === undefined || gone?.has(object) === true) return Effect.succeed(true)
      return Effect.map(this.pool.has(object), (there) => !there)
    })
  }

  /** A turn under names, if it comes within so many milliseconds. It is called where nothing interrupts but `restore`. */
  private turnOf(names: ReadonlyArray<string>, most: number, restore: Restore): Effect.Effect<Turn, unknown> {
    return Effect.suspend(() => {
      const turn = this.turns.take(names)
      if (turn !== undefined) return Effect.succeed(turn)
      const freed = this.turns.freed(names)
      const inTime = most === Infinity ? freed : Effect.timeout(freed, most)
      return Effect.andThen(restore(inTime), this.turnOf(names, most, restore))
    })
  }

  private join(objects: ReadonlyArray<A>, joining: Joining<D>) {
    return this.pool.addAll(objects, toAdd(joining))
  }

  private storeAll(
    turn: Turn,
    entries: ReadonlyArray<Stored<A>>,
    replaced: Array<Replaced<A>>
  ): Effect.Effect<void, unknown> {
    const before = Effect.forEach(
      entries,
      ({ name }) => this.stored.has(name) ? this.within(turn, this.get(name)) : Effect.undefined,
      { concurrency: atOnce }
    )
    return Effect.flatMap(before, (texts) => {
      entries.forEach(({ name }, at) => replaced.push({ name, object: this.stored.get(name), text: texts[at] }))
      return this.within(turn, this.memory.setAll(entries))
    })
  }

  /**
   * What was not added after all is forgotten, when nothing of it can be written any more: at once, or when the store can. The
   * turn is over then.
   */
  private restore(turn: Turn, all: ReadonlyArray<Replaced<A>>): Effect.Effect<void> {
    const each = ({ name, object, text }: Replaced<A>) => {
      if (text === undefined) return this.erase(turn, name)
      this.stored.set(name, object)
      return this.within(turn, this.memory.set(name, text))
    }
    const restoring = Effect.andThen(
      Effect.suspend(() => turn.settled),
      Effect.forEach(all, each, { concurrency: atOnce, discard: true })
    )
    const end = Effect.sync(() => turn.end())
    const again = Effect.andThen(Effect.sleep(pause), restoring).pipe(
      Effect.retry({ while: (error) => !isSuperseded(error) }),
      Effect.ensuring(end)
    )
    return Effect.matchCauseEffect(restoring, {
      onSuccess: () => end,
      onFailure: () => {
        this.fork(again)
        return this.complain(
          "An object that was not added is remembered as one that was, until the store takes it back"
        )
      }
    })
  }

  private erase(turn: Turn, name: string): Effect.Effect<void, unknown> {
    return Effect.map(this.within(turn, this.memory.remove(name)), () => void this.stored.delete(name))
  }

  /** An object has left, or is about to: unless it is there by then, or another under its name, its entry goes. */
  private forget(name: string): void {
    const erasing = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.turnOf([name], Infinity, restore), (turn) =>
        Effect.ensuring(
          restore(
            Effect.flatMap(this.hasLeft(name), (hasLeft) => hasLeft ? this.erase(turn, name) : Effect.void)
          ),
          Effect.sync(() => turn.end())
        ))
    )
    // it leaves within this step
    const fiber = this.fork(
      Effect.andThen(Effect.yieldNow, erasing).pipe(
        Effect.retry({ schedule: Schedule.spaced(pause), while: (error) => !isSuperseded(error) })
      )
    )
    this.forgetting.add(fiber)
    fiber.addObserver(() => void this.forgetting.delete(fiber))
  }

  /** What is known already joins in slices: a host goes on meanwhile. */
  private recallAll(names: ReadonlyArray<string>): Effect.Effect<void> {
    const known = names.filter((name) => this.known.has(name))
    const slices = Array.from(
      { length: Math.ceil(known.length / slice) },
      (_, n) => known.slice(n * slice, (n + 1) * slice)
    )
    const joining = Effect.forEach(
      slices,
      (slice) => Effect.andThen(Effect.yieldNow, Effect.sync(() => this.rejoinAll(slice))),
      { discard: true }
    )
    const others = names.filter((name) => !this.known.has(name))
    return Effect.andThen(
      joining,
      Effect.forEach(others, (name) => this.recall(name), { concurrency: atOnce, discard: true })
    )
  }

  private rejoinAll(names: ReadonlyArray<string>): void {
    for (const name of names) {
      const text = this.known.get(name)
      // nobody else waits for one under whose name something is done already
      if (text === undefined || !this.turns.isFree(name)) this.fork(this.recall(name))
      else {
        this.known.delete(name)
        this.rejoin(name, text)
      }
    }
  }

  private recall(name: string): Effect.Effect<void> {
    return Effect.suspend(() => Effect.timeout(apart(this.get(name)), this.timeout)).pipe(
      Effect.retry({ schedule: Schedule.spaced(pause), times: 2 }),
      Effect.flatMap((text) => this.rejoinInTurn(name, text)),
      Effect.catchCause((cause) =>
        this.complain("An object that was added could not be read: it is not in the pool", cause, name)
      )
    )
  }

  /** In one step, as soon as nobody has a turn under its name. */
  private rejoinInTurn(name: string, text: string | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.turns.isFree(name)) return Effect.sync(() => this.rejoin(name, text))
      return Effect.andThen(this.turns.freed([name]), this.rejoinInTurn(name, text))
    })
  }

  private rejoin(name: string, text: string | undefined): void {
    // it was taken out, or added again, meanwhile
    if (!this.stored.has(name) || this.stored.get(name) !== undefined) return
    if (text === undefined) return void this.stored.delete(name)
    const added = this.entries.read(text)
    if (added === undefined) {
      const message =
        "An object that was added makes no sense to this host: it is not in the pool, and its entry is left alone"
      return void this.fork(this.complain(message, undefined, name))
    }
    this.stored.set(name, added.object)
    this.fork(Effect.catchCause(this.join([added.object], added.joining), (cause) => {
      // one of its key is among the `objects` of the options
      if (isClosed(cause) || Cause.squash(cause) instanceof DuplicateObject) return Effect.void
      this.stored.set(name, undefined)
      return this.complain("An object that was added does not join the pool", cause, name)
    }))
  }

  private get(name: string): Effect.Effect<string | undefined, unknown> {
    const text = this.known.get(name)
    if (text === undefined) return this.memory.get(name)
    this.known.delete(name)
    return Effect.succeed(text)
  }

  /** A store that does not answer keeps nobody for longer than it may take. */
  private within<B>(turn: Turn, effect: Effect.Effect<B, unknown>): Effect.Effect<B, unknown> {
    return Effect.timeout(turn.run(effect), this.timeout)
  }

  private complain(message: string, cause?: Cause.Cause<unknown>, entry?: string): Effect.Effect<void> {
    const line = cause === undefined ? Effect.logWarning(message) : Effect.logWarning(message, cause)
    return Effect.annotateLogs(line, {
      pool: this.definition.name,
      ...(entry === undefined ? {} : { key: this.entries.keyOf(entry) })
    })
  }
}

/** The pool has been closed, or its host is. */
const isClosed = (cause: Cause.Cause<unknown>): boolean =>
  Cause.hasInterruptsOnly(cause) || Cause.squash(cause) instanceof PoolClosed
