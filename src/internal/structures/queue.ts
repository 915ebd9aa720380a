/**
 * A set that is a queue as well: members are taken in the order in which they joined, and may leave from anywhere.
 *
 * The first member of a plain `Set` is found by a walk past the places of all that were deleted before it; a queue
 * remembers how far it has come.
 */
export class Queue<T> extends Set<T> {
  /** Goes on behind the first: whatever it has passed is not in the set. */
  private ahead: SetIterator<T> | undefined = undefined
  private head: { readonly value: T } | undefined = undefined

  /** The one that joined first. */
  get first(): T | undefined {
    if (this.size === 0) return undefined
    if (this.head === undefined) {
      let next = this.ahead?.next()
      // an iterator of a set that has come to an end stays there, though members join later: it is made anew
      if (next === undefined || next.done === true) next = (this.ahead = this.values()).next()
      this.head = next as { readonly value: T }
    }
    return this.head.value
  }

  /** Takes the one that joined first. */
  take(): T | undefined {
    const first = this.first
    if (this.size > 0) this.delete(first as T)
    return first
  }

  override delete(member: T): boolean {
    if (this.head !== undefined && this.head.value === member) this.head = undefined
    return super.delete(member)
  }

  override clear(): void {
    this.ahead = this.head = undefined
    super.clear()
  }
}
