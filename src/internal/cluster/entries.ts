/** The entries of added objects in the memory of a shared pool: what they are called there, and what they say. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { nameOf } from "../object/memory.ts"
import { checks } from "../state/validation.ts"
import { toMillis } from "../structures/times.ts"
import type { Definition } from "./definition.ts"
import { type Refusal, refusal } from "./protocol.ts"
import { toDuration, toEndless } from "./words.ts"

/** What an added object joins with, beside what is usual. */
export interface Joining<D> {
  readonly leaseTimeout: Duration.Input | undefined
  readonly data: D | undefined
}

/** The same as options of a pool: data of the whole type are data of a part of it. */
export const toAdd = <D>({ data, leaseTimeout }: Joining<D>) => ({
  leaseTimeout,
  ...(data === undefined ? {} : { data: data as never })
})

const Entry = Schema.Struct({
  version: Schema.Literal(1),
  object: Schema.Json,
  data: Schema.optionalKey(Schema.Json),
  /** Milliseconds; `null`: without end. */
  leaseTimeout: Schema.optionalKey(Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0))))
})

const decode = Schema.decodeUnknownExit(Schema.fromJsonString(Entry))

/** No key of an object's begins so in a name: there, `%` stands before `2` alone. */
const mark = "%added-"

const unencoded = refusal("Malformed", "the host cannot encode what is to be added, by the schemas of the pool")

/** An object, and its entry. */
export interface Stored<A> {
  readonly name: string
  readonly object: A
  readonly text: string
}

export class Entries<A, D, E, N> {
  private readonly definition: Definition<A, D, E, N>
  private readonly key: (object: A) => unknown

  constructor(definition: Definition<A, D, E, N>, key: (object: A) => unknown) {
    this.definition = definition
    this.key = key
  }

  /** The entries of objects that are to be added. */
  of(objects: ReadonlyArray<A>, joining: Joining<D>): Effect.Effect<ReadonlyArray<Stored<A>>, Refusal> {
    return Effect.suspend(() => {
      const { data, leaseTimeout } = joining
      const millis = leaseTimeout === undefined ? undefined : toMillis(leaseTimeout)
      const given = data === undefined ? undefined : this.definition.data?.encode(data)
      const entries: Array<Stored<A>> = []
      for (const object of objects) {
        const encoded = this.definition.object.encode(object)
        if (encoded === undefined || (data !== undefined && given === undefined)) return Effect.fail(unencoded)
        const entry: typeof Entry.Type = {
          version: 1,
          object: encoded.json,
          ...(given === undefined ? {} : { data: given.json }),
          ...(millis === undefined ? {} : { leaseTimeout: toEndless(millis) })
        }
        entries.push({ name: this.nameOf(object), object, text: JSON.stringify(entry) })
      }
      return Effect.succeed(entries)
    })
  }

  /** What an entry says; none: what makes no sense to this host. */
  read(text: string): { readonly object: A; readonly joining: Joining<D> } | undefined {
    const exit = decode(text)
    if (Exit.isFailure(exit)) return undefined
    const { data, leaseTimeout, object } = exit.value
    const decoded = this.definition.object.decode(object)
    const given = data === undefined ? undefined : this.definition.data?.decode(data)
    if (decoded === undefined || (data !== undefined && given === undefined)) return undefined
    return { object: decoded.value, joining: { data: given?.value, leaseTimeout: toDuration(leaseTimeout) } }
  }

  /** What all names begin with. */
  get prefix(): string {
    return this.toName("")
  }

  nameOf(object: A): string {
    return this.toName(this.key(object))
  }

  /** The name of the entry of an object with that key. Throws `InvalidPoolOptions` on what is no text. */
  toName(key: unknown): string {
    const { name } = this.definition
    if (typeof key === "string") return nameOf(name, key, mark)
    return checks(name).refuse("remember.key", key, "a function that answers a text")
  }

  /** The key that a name was made of. */
  keyOf(name: string): string {
    return name.slice(this.prefix.length)
  }
}
