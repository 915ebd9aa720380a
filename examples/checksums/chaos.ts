/**
 * Jobs that go wrong on purpose.
 */
import { Effect, Random } from "effect"
import type { HashableFile } from "./files.ts"
import type { Sabotage } from "./worker.ts"

/** What happens to a file's next job, if anything. */
export type Chaos = (path: string) => Sabotage | undefined

/**
 * Draws, for a share of the files, how the first job fails. Drawn here and now, file by file, and not when a job begins:
 * so the same seed strikes the same files, however many workers there are and whichever comes first.
 */
export const planChaos = Effect.fnUntraced(function*(files: ReadonlyArray<HashableFile>, share: number) {
  const plan = new Map<string, Sabotage>()
  for (const { path } of files) {
    if ((yield* Random.next) < share) plan.set(path, yield* Random.choice(["exit", "throw", "hang"] as const))
  }
  const chaos: Chaos = (path) => {
    const sabotage = plan.get(path)
    plan.delete(path)
    return sabotage
  }
  return chaos
})
