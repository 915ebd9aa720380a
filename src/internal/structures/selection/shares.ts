import { drawn, RandomSelection, type RandomService } from "./list.ts"
import type { Candidate } from "./selection.ts"

interface Limited {
  readonly allowances: ReadonlyArray<{ readonly limit: number; readonly left: number }>
}

/** The object with the largest share of its allowances left; of equals, at random. What is left changes with time: all are looked at. */
export class ShareSelection<E extends Candidate<E>> extends RandomSelection<E> {
  private readonly source: RandomService
  constructor(random: RandomService) {
    super(random)
    this.source = random
  }
  override pick(): E | undefined {
    return this.among(this.listed)
  }
  override among(candidates: ReadonlyArray<E>): E | undefined {
    const shares = candidates.map(({ pooled }) => shareOf(pooled as Limited))
    let largest = -Infinity
    for (const share of shares) if (share > largest) largest = share
    return drawn(this.source, candidates.filter((_, i) => shares[i] === largest))
  }
}

/** What is left of the allowance of which the least is left. */
const shareOf = ({ allowances }: Limited): number => {
  let share = 1
  for (const { left, limit } of allowances) share = Math.min(share, left / limit)
  return share
}
