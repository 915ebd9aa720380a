/** A binary heap: the first of its items is found at once, added and removed in a step for each power of two of them. */
export abstract class Heap<T> {
  protected readonly items: Array<T> = []

  /** Does one come before the other? */
  protected abstract before(one: T, other: T): boolean
  /** An item stands there now. */
  protected placed(_item: T, _at: number): void {}

  get first(): T | undefined {
    return this.items[0]
  }

  push(item: T): void {
    this.items.push(item)
    this.up(item, this.items.length - 1)
  }

  removeAt(at: number): void {
    const last = this.items.pop()!
    if (at === this.items.length) return
    if (at > 0 && this.before(last, this.items[(at - 1) >> 1]!)) this.up(last, at)
    else this.down(last, at)
  }

  private up(item: T, from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.items[parent]!
      if (!this.before(item, above)) break
      this.put(above, at)
      at = parent
    }
    this.put(item, at)
  }

  private down(item: T, from: number): void {
    let at = from
    for (;;) {
      let child = 2 * at + 1
      let below = this.items[child]
      if (below === undefined) break
      const right = this.items[child + 1]
      if (right !== undefined && this.before(right, below)) {
        child++
        below = right
      }
      if (!this.before(below, item)) break
      this.put(below, at)
      at = child
    }
    this.put(item, at)
  }

  private put(item: T, at: number): void {
    this.items[at] = item
    this.placed(item, at)
  }
}
