/** The pools of this process that are not closed: what an inspector shows. */
import type { Core } from "./core.ts"

export const pools = new Set<Core<never, never>>()
