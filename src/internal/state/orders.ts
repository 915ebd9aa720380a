/**
 * The orders in which a room that many keys share is given out: who lacks some, whose objects have been idle longest, and
 * what is begun first as room becomes free. What they stand for is in `room.ts`.
 */
import type { Creation } from "../making/creator.ts"
import { Heap } from "../structures/heap.ts"
import type { Place } from "./room.ts"

export type AnyPlace = Place<unknown, never, never>
export type AnyCreation = Creation<never, never>

/** A waiter that a place would make an object for if there were room: the next one, of one class where there are some. */
export class Want {
  readonly place: AnyPlace
  /** The place of its class among all. */
  readonly classAt: number
  /** The arrival of the waiter, and its place among those that lack room. */
  arrival = Infinity
  at = -1

  constructor(place: AnyPlace, classAt: number) {
    this.place = place
    this.classAt = classAt
  }
}

/** The places whose pools would make an object for a waiter if there were room, the oldest waiter first. */
export class Lacking extends Heap<Want> {
  protected override before(one: Want, other: Want): boolean {
    return one.arrival < other.arrival
  }
  protected override placed(want: Want, at: number): void {
    want.at = at
  }
  /** The one that comes after the first. */
  get second(): Want | undefined {
    const [, left, right] = this.items
    return left !== undefined && right !== undefined && right.arrival < left.arrival ? right : left
  }
  get all(): ReadonlyArray<Want> {
    return this.items
  }
  /** Moves a place to where its waiter belongs; none: the place leaves. */
  rank(want: Want, arrival: number): void {
    if (want.arrival === arrival && (want.at !== -1) === (arrival !== Infinity)) return
    if (want.at !== -1) {
      this.removeAt(want.at)
      want.at = -1
    }
    want.arrival = arrival
    if (arrival !== Infinity) this.push(want)
  }
}

/** The places that have idle objects, that of the oldest first, as far as is known. */
export class Idle extends Heap<AnyPlace> {
  protected override before(one: AnyPlace, other: AnyPlace): boolean {
    return one.usedSince < other.usedSince
  }
  protected override placed(place: AnyPlace, at: number): void {
    place.idleAt = at
  }
  leave(place: AnyPlace): void {
    if (place.idleAt === -1) return
    this.removeAt(place.idleAt)
    place.idleAt = -1
  }
}

/** The creations that wait for room, that of the oldest waiter first; of one waiter its own before the further ones. */
export class Reserved extends Heap<AnyCreation> {
  protected override before(one: AnyCreation, other: AnyCreation): boolean {
    return one.begunFor === other.begunFor
      ? one.owner !== undefined && other.owner === undefined
      : one.begunFor!.arrival < other.begunFor!.arrival
  }
  protected override placed(creation: AnyCreation, at: number): void {
    creation.reservedAt = at
  }
  get size(): number {
    return this.items.length
  }
  get last(): AnyCreation | undefined {
    let last = this.items[0]
    for (const creation of this.items) if (this.before(last!, creation)) last = creation
    return last
  }
  /** `false`: the creation does not wait for room. */
  leave(creation: AnyCreation): boolean {
    if (creation.reservedAt === -1) return false
    this.removeAt(creation.reservedAt)
    creation.reservedAt = -1
    return true
  }
}
