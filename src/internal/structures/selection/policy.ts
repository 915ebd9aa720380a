/**
 * What a selector is, inside: a kind, and the function that it was made with.
 *
 * @internal
 */
export class Policy {
  readonly kind:
    | "random"
    | "roundRobin"
    | "leastRecentlyUsed"
    | "mostRecentlyUsed"
    | "leastBorrowed"
    | "weighted"
    | "custom"
  /** The weight of `weighted`, the choice of `custom`. */
  readonly f: unknown

  constructor(kind: Policy["kind"], f?: unknown) {
    this.kind = kind
    this.f = f
  }
}

/** The policy that a `select` option names; `undefined` when it names none. */
export const toPolicy = (select: unknown): Policy | undefined => {
  if (select === undefined) return new Policy("random")
  if (select instanceof Policy) return select
  if (typeof select === "function") return new Policy("custom", select)
  if (typeof select === "object" && select !== null && "weight" in select && typeof select.weight === "function") {
    return new Policy("weighted", select.weight)
  }
  return undefined
}
