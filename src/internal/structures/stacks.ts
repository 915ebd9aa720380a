/** How deep the stacks of new errors are; answers how deep they were. Not every engine has it, nor lets it be changed. */
export const limitStacks = (limit: number | undefined): number | undefined => {
  const errors: ErrorConstructor & { stackTraceLimit?: number } = Error
  const before = errors.stackTraceLimit
  if (before === undefined || limit === undefined) return undefined
  try {
    errors.stackTraceLimit = limit
  } catch {
    return undefined
  }
  return before
}
