/**
 * The pools of this process that are not closed: what an inspector shows.
 *
 * They are held weakly: one that is dropped without being closed, as by a program that reloads its modules, goes with
 * whatever held it.
 */
import type { Core } from "./core.ts"

type AnyCore = Core<never, never>

class Pools {
  private readonly refs = new Set<WeakRef<AnyCore>>()
  private readonly known = new WeakMap<AnyCore, WeakRef<AnyCore>>()
  private readonly dropped = new FinalizationRegistry<WeakRef<AnyCore>>((ref) => this.refs.delete(ref))

  add(core: AnyCore): void {
    const ref = new WeakRef(core)
    this.refs.add(ref)
    this.known.set(core, ref)
    this.dropped.register(core, ref, ref)
  }

  delete(core: AnyCore): void {
    const ref = this.known.get(core)
    if (ref === undefined) return
    this.refs.delete(ref)
    this.known.delete(core)
    this.dropped.unregister(ref)
  }

  has(core: AnyCore): boolean {
    return this.known.has(core)
  }

  get size(): number {
    return this.refs.size
  }

  *[Symbol.iterator](): Iterator<AnyCore> {
    for (const ref of this.refs) {
      const core = ref.deref()
      if (core !== undefined) yield core
    }
  }
}

export const pools = new Pools()

export const list = <A, D>(core: Core<A, D>): void => {
  const listed = core as unknown as AnyCore
  pools.add(listed)
  core.onClosed.add(() => pools.delete(listed))
}
