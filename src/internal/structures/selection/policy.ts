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
    | "mostAllowance"
    | "tiers"
    | "custom"
  /** The weight of `weighted`, the ranks of `tiers`, the choice of `custom`. */
  readonly f: unknown

  constructor(kind: Policy["kind"], f?: unknown) {
    this.kind = kind
    this.f = f
  }
}

/** What `tiers` is made with. */
export interface Tiers {
  readonly rank: (pooled: unknown) => number
  readonly within: Policy
}

/** The policy that a `select` option names; `undefined` when it names none. */
export const toPolicy = (select: unknown): Policy | undefined => {
  if (select === undefined) return new Policy("random")
  if (select instanceof Policy) return select
  if (typeof select === "function") return new Policy("custom", select)
  return typeof select === "object" && select !== null ? ofRecord(select) : undefined
}

const ofRecord = (select: { readonly weight?: unknown; readonly rank?: unknown; readonly within?: unknown }) => {
  const { rank, weight } = select
  if (typeof weight === "function") return new Policy("weighted", weight)
  if (typeof rank !== "function") return undefined
  const within = toPolicy(select.within)
  return within === undefined || within.kind === "custom" ? undefined : new Policy("tiers", { rank, within })
}
