/**
 * Values by key, where keys are the same that effect's `Equal` takes for the same. A primitive is found in one step; what
 * may be equal to another object is found by its hash.
 */
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"

export class Keys<K, V> {
  private readonly primitives = new Map<K, V>()
  private readonly objects = MutableHashMap.empty<K, V>()

  get size(): number {
    return this.primitives.size + MutableHashMap.size(this.objects)
  }

  get(key: K): V | undefined {
    return isPrimitive(key) ? this.primitives.get(key) : Option.getOrUndefined(MutableHashMap.get(this.objects, key))
  }

  set(key: K, value: V): void {
    if (isPrimitive(key)) this.primitives.set(key, value)
    else MutableHashMap.set(this.objects, key, value)
  }

  delete(key: K): void {
    if (isPrimitive(key)) this.primitives.delete(key)
    else MutableHashMap.remove(this.objects, key)
  }

  *values(): Generator<V> {
    yield* this.primitives.values()
    for (const [, value] of this.objects) yield value
  }
}

const isPrimitive = (key: unknown): boolean => typeof key !== "object" && typeof key !== "function"
