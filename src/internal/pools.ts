/** The pools of this process that are not closed: what an inspector shows. */
import type { Core } from "./core.ts"

export const pools = new Set<Core<never, never>>()

export const list = <A, D>(core: Core<A, D>): void => {
  const listed = core as unknown as Core<never, never>
  pools.add(listed)
  core.onClosed.add(() => pools.delete(listed))
}
