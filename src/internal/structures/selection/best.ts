/** The best of a list: the first for which nothing is better. */
export const best = <T>(candidates: ReadonlyArray<T>, better: (self: T, than: T) => boolean): T | undefined => {
  let found = candidates[0]
  for (let i = 1; i < candidates.length; i++) {
    const candidate = candidates[i]!
    if (better(candidate, found!)) found = candidate
  }
  return found
}
